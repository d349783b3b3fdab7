#include "analyzer/commands/program.h"

#include <gtest/gtest.h>

#include "analyzer/commands/option_help.h"

namespace analyzer {
namespace {

using Words = std::vector<std::string>;

/// What parse_command_line throws, or "" when it does not.
std::string usage_error(const Words& words) {
  try {
    (void)parse_command_line(words);
  } catch (const UsageError& error) {
    return error.what();
  }
  return {};
}

struct Case {
  Words words;
  std::string command;
  Words arguments;
};

TEST(CommandLine, TheCommandIsFoundAmongOptions) {
  const Case cases[] = {
      {{"check", "a.hprof"}, "check", {"a.hprof"}},
      {{"a.hprof"}, "analyze", {"a.hprof"}},
      {{"-"}, "analyze", {"-"}},
      {{"a.hprof", "b.hprof"}, "analyze", {"a.hprof", "b.hprof"}},
      {{"--threads", "2", "check", "a.hprof"}, "check", {"a.hprof"}},
      {{"--threads=2", "check", "a.hprof"}, "check", {"a.hprof"}},
      {{"--color", "never", "a.hprof"}, "analyze", {"a.hprof"}},
      {{"-q", "check", "a.hprof"}, "check", {"a.hprof"}},
      {{"-qv", "check", "a.hprof"}, "check", {"a.hprof"}},
      {{"--format", "json", "a.hprof"}, "analyze", {"a.hprof"}},
      {{"-o", "a.db", "a.hprof"}, "analyze", {"a.hprof"}},
      {{"check", "--", "--weird.hprof"}, "check", {"--weird.hprof"}},
      {{"--", "check"}, "analyze", {"check"}},
      {{"./check"}, "analyze", {"./check"}},
      {{"check", "info"}, "check", {"info"}},
      {{"help", "check"}, "help", {"check"}},
  };
  for (const Case& c : cases) {
    const CommandLine line = parse_command_line(c.words);
    ASSERT_NE(line.command, nullptr) << testing::PrintToString(c.words);
    EXPECT_EQ(line.command->name, c.command) << testing::PrintToString(c.words);
    EXPECT_EQ(line.arguments, c.arguments) << testing::PrintToString(c.words);
  }
}

TEST(CommandLine, GlobalOptionsMayStandAnywhere) {
  const CommandLine line = parse_command_line({"-q", "check", "a.hprof", "--strict", "--threads", "3", "--no-cache"});
  EXPECT_TRUE(line.global.quiet);
  EXPECT_TRUE(line.global.strict);
  EXPECT_TRUE(line.global.no_cache);
  EXPECT_EQ(line.global.threads, 3u);
  EXPECT_FALSE(line.global.verbose);
}

TEST(CommandLine, MistakesNameTheNearestName) {
  EXPECT_EQ(usage_error({"chekc", "a.hprof"}), "'chekc' is neither a command nor a file (did you mean 'check'?)");
  EXPECT_EQ(usage_error({"check", "--basline", "x"}), "unknown option '--basline' (did you mean '--baseline'?)");
  EXPECT_EQ(usage_error({"check", "--color", "nevr", "a"}), "--color: 'nevr' is not possible (did you mean 'never'?)");
  EXPECT_NE(usage_error({"check", "--threads", "-1", "a"}), "");
  EXPECT_NE(usage_error({"check", "--threads", "0", "a"}), "");
  EXPECT_NE(usage_error({"check", "--threads"}), "");
  EXPECT_EQ(usage_error({"--colr", "never", "check", "a"}), "unknown option '--colr' (did you mean '--color'?)");
}

TEST(CommandLine, PrefixesAreNotGuessed) {
  EXPECT_NE(usage_error({"check", "--conf", "x.ini", "a.hprof"}), "");
  EXPECT_NE(usage_error({"check", "--qui", "a.hprof"}), "");
}

TEST(CommandLine, CommandsOfLaterVersionsAreNamedAsSuch) {
  for (const std::string name : {"simulate"}) {
    EXPECT_EQ(usage_error({name, "a.db"}),
              "the command '" + name + "' is not in this version (" + std::string(program_version) + ")");
  }
}

TEST(Help, EveryCommandHasASummaryExamplesAndDescribedOptions) {
  for (const Command* command : all_commands()) {
    EXPECT_FALSE(command->summary.empty()) << command->name;
    EXPECT_FALSE(command->examples.empty()) << command->name;
    for (const OptionText& option : option_texts(command->options())) {
      EXPECT_FALSE(option.description.empty()) << command->name << " --" << option.long_name;
      EXPECT_NE(option.value_name, "arg") << command->name << " --" << option.long_name;
    }
    const std::string help = command_help(*command, 100);
    EXPECT_LT(help.find("Examples:"), help.find("Usage:")) << command->name;
    EXPECT_EQ(help.find("[ --"), std::string::npos) << command->name;
  }
}

TEST(Help, LinesFitTheTerminal) {
  for (const Command* command : all_commands()) {
    const std::string table = option_table(command->options(), 80);
    std::size_t start = 0;
    for (std::size_t end = 0; (end = table.find('\n', start)) != std::string::npos; start = end + 1) {
      EXPECT_LE(end - start, 80u) << command->name << ": " << table.substr(start, end - start);
    }
  }
}

TEST(Help, NoCommandRedefinesAGlobalOption) {
  for (const Command* command : all_commands()) {
    for (const OptionText& own : option_texts(command->options())) {
      for (const OptionText& global : option_texts(global_options())) {
        EXPECT_NE(own.long_name, global.long_name) << command->name;
        if (own.short_name != 0) {
          EXPECT_NE(own.short_name, global.short_name) << command->name;
        }
      }
    }
  }
}

}  // namespace
}  // namespace analyzer
