#include "analyzer/terminal.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "analyzer/progress.h"

namespace analyzer {
namespace {

TEST(Terminal, ControlCharactersBecomeVisible) {
  EXPECT_EQ(printable("a\x1b[31mb\n\t\x7f"), "a\\x1b[31mb\\x0a\\x09\\x7f");
  EXPECT_EQ(printable("\xc2\x9b 31m"), "\\xc2\\x9b 31m");  // CSI as one character
  EXPECT_EQ(printable("größe € 😀"), "größe € 😀");
  EXPECT_EQ(printable("\xc2"), "\xc2");
}

TEST(Terminal, NoColorWinsOverTheTerminalButNotOverTheOption) {
  setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(wants_color(ColorMode::automatic, Stream::output));
  EXPECT_TRUE(wants_color(ColorMode::always, Stream::output));
  unsetenv("NO_COLOR");
  EXPECT_FALSE(wants_color(ColorMode::never, Stream::output));
}

TEST(Progress, ALineHasPercentRateAndTimeLeft) {
  EXPECT_EQ(Progress::line("scan", "a.hprof", 0, 0, 5), "scan a.hprof");
  EXPECT_EQ(Progress::line("scan", "a.hprof", 50 << 20, 200 << 20, 0.5), "scan a.hprof  25%  100.0 MiB/s  ETA 2 s");
  EXPECT_EQ(Progress::line("references", "a", 1000, 2000, 100), "references a  50%  10 objects/s  ETA 1 min 40 s");
  EXPECT_EQ(Progress::line("references", "a", 1000, 2000, 0.1), "references a  50%") << "too early for a rate";
  EXPECT_EQ(Progress::line("strings", "a", 4000, 2000, 1), "strings a  100%  4,000 objects/s") << "more than promised";
}

}  // namespace
}  // namespace analyzer
