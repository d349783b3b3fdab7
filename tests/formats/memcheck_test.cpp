#include "formats/memcheck.h"

#include <gtest/gtest.h>

#include "formats/xml_reader.h"
#include "tests/support/memcheck_writer.h"

namespace {

using formats::DamageLog;
using formats::memcheck::LossKind;
using formats::memcheck::parse_loss;
using formats::memcheck::Report;
using tests::MemcheckWriter;
using Form = MemcheckWriter::Form;

Report read(const std::string& file, DamageLog& damage) {
  const std::vector<char> exact(file.begin(), file.end());
  const formats::Bytes bytes = std::as_bytes(std::span(exact));
  return formats::memcheck::looks_like_xml(bytes) ? formats::memcheck::read_xml(bytes, damage)
                                                  : formats::memcheck::read_text(bytes, damage);
}

std::string sample(Form form) {
  MemcheckWriter file(form);
  file.error("InvalidRead", "Invalid read of size 4", {{"main", "a.cc:3"}});
  file.loss("DefinitelyLost",
            "1,200 (1,000 direct, 200 indirect) bytes in 5 blocks are definitely lost in loss record 1 of 2", 1200, 5,
            {{"malloc", "m.c:1"}, {"std::vector<int>::f(int&)", "a.cc:15"}, {"main", "a.cc:2"}});
  file.loss("StillReachable", "12 bytes in 1 blocks are still reachable in loss record 2 of 2", 12, 1,
            {{"g()", "b.cc:7"}});
  return file.finish().bytes();
}

TEST(Memcheck, BothFormsSayTheSame) {
  for (const Form form : {Form::xml, Form::text}) {
    SCOPED_TRACE(form == Form::xml ? "xml" : "text");
    DamageLog damage;
    const Report report = read(sample(form), damage);
    EXPECT_EQ(damage.count(), 0U);
    ASSERT_EQ(report.processes.size(), 1U);
    const auto& process = report.processes[0];
    EXPECT_EQ(process.id, 14U);
    EXPECT_EQ(process.command, "./server 5000");
    EXPECT_TRUE(process.is_finished);
    ASSERT_EQ(process.losses.size(), 2U);
    EXPECT_EQ(process.losses[0].kind, LossKind::definite);
    EXPECT_EQ(process.losses[0].bytes, 1000U);
    EXPECT_EQ(process.losses[0].blocks, 5U);
    ASSERT_EQ(process.losses[0].stack.size(), 3U);
    EXPECT_EQ(process.losses[0].stack[1].function, "std::vector<int>::f(int&)");
    EXPECT_EQ(process.losses[0].stack[1].line, 15);
    EXPECT_EQ(process.losses[1].kind, LossKind::reachable);
    EXPECT_EQ(process.losses[1].bytes, 12U);
    ASSERT_EQ(process.errors.size(), 1U);
    EXPECT_EQ(process.errors[0].second, 1U);
  }
}

TEST(Memcheck, SentencesOfLossRecords) {
  EXPECT_EQ(parse_loss("10,000 bytes in 50 blocks are definitely lost in loss record 1 of 3")->bytes, 10000U);
  EXPECT_EQ(parse_loss("1,200 (1,000 direct, 200 indirect) bytes in 5 blocks are definitely lost in loss record 3 of 9")
                ->number,
            3U);
  EXPECT_EQ(parse_loss("30 (+20) bytes in 3 (+2) blocks are possibly lost in loss record 1 of 1")->blocks, 3U);
  EXPECT_EQ(parse_loss("16 bytes in 1 blocks are indirectly lost in loss record 1 of 1")->kind, LossKind::indirect);
  EXPECT_FALSE(parse_loss("in use at exit: 3 bytes in 1 blocks"));
  EXPECT_FALSE(parse_loss("x bytes in 1 blocks are possibly lost"));
  EXPECT_FALSE(parse_loss("1 bytes in 1 blocks are found"));
}

TEST(Memcheck, TextHasSumsAndUsedSuppressions) {
  MemcheckWriter file(Form::text, 7);
  file.line("    in use at exit: 3,097,976 bytes in 3,187 blocks");
  file.line("  total heap usage: 142,513 allocs, 139,326 frees, 52,281,507 bytes allocated");
  file.line("LEAK SUMMARY:").line("   definitely lost: 10,000 bytes in 50 blocks");
  file.line("   indirectly lost: 0 bytes in 0 blocks").line("     possibly lost: 8 bytes in 1 blocks");
  file.line("   still reachable: 3,087,976 bytes in 3,137 blocks").line("        suppressed: 64 bytes in 2 blocks");
  file.line("used_suppression:      2 pool /usr/lib/default.supp:12 suppressed: 64 bytes in 2 blocks");
  DamageLog damage;
  const Report report = read(file.finish().bytes(), damage);
  const auto& process = report.processes.at(0);
  EXPECT_EQ(process.in_use->bytes, 3097976U);
  EXPECT_EQ(process.in_use->blocks, 3187U);
  EXPECT_EQ(process.allocation_count, 142513U);
  EXPECT_EQ(process.allocated_bytes, 52281507U);
  EXPECT_EQ(process.sums[0]->blocks, 50U);
  EXPECT_EQ(process.sums[2]->bytes, 8U);
  EXPECT_EQ(process.sums[3]->blocks, 3137U);
  EXPECT_EQ(process.suppressed->bytes, 64U);
  ASSERT_EQ(process.suppressions.size(), 1U);
  EXPECT_EQ(process.suppressions[0].name, "pool");
  EXPECT_EQ(process.suppressions[0].leaked->blocks, 2U);
}

TEST(Memcheck, XmlHasCountsOfSuppressions) {
  MemcheckWriter file(Form::xml);
  file.line("<suppcounts><pair><count>3</count><name>pool</name></pair></suppcounts>");
  DamageLog damage;
  const Report report = read(file.finish().bytes(), damage);
  ASSERT_EQ(report.processes.at(0).suppressions.size(), 1U);
  EXPECT_EQ(report.processes[0].suppressions[0].count, 3U);
}

TEST(Memcheck, ProcessesInOneFileAreToldApart) {
  for (const Form form : {Form::xml, Form::text}) {
    const std::string file =
        sample(form) +
        MemcheckWriter(form, 15)
            .loss("PossiblyLost", "8 bytes in 1 blocks are possibly lost in loss record 1 of 1", 8, 1, {{"h", "c.c:1"}})
            .bytes();
    DamageLog damage;
    const Report report = read(file, damage);
    ASSERT_EQ(report.processes.size(), 2U);
    EXPECT_EQ(report.processes[1].id, 15U);
    EXPECT_EQ(report.processes[1].losses.size(), 1U);
    EXPECT_FALSE(report.processes[1].is_finished);
    EXPECT_EQ(damage.count(), form == Form::xml ? 1U : 0U);  // text has no end to miss
  }
}

TEST(Memcheck, LaterLeakSearchReplacesTheEarlier) {
  for (const Form form : {Form::xml, Form::text}) {
    MemcheckWriter file(form);
    for (const char* bytes : {"10", "20", "30"}) {
      file.loss("DefinitelyLost", std::string(bytes) + " bytes in 1 blocks are definitely lost in loss record 1 of 1",
                std::stoul(bytes), 1, {{"f", "a.c:1"}});
    }
    DamageLog damage;
    const Report report = read(file.finish().bytes(), damage);
    ASSERT_EQ(report.processes.at(0).losses.size(), 1U);
    EXPECT_EQ(report.processes[0].losses[0].bytes, 30U);
    EXPECT_EQ(report.processes[0].leak_searches, 3U);
  }
}

TEST(Memcheck, ProgramOutputBetweenIsPassedOver) {
  std::string file = sample(Form::text);
  file.insert(file.find("==14==    by"), "hello from the program\n");
  DamageLog damage;
  EXPECT_EQ(read(file, damage).processes.at(0).losses.at(0).stack.size(), 3U);
}

TEST(Memcheck, EveryTruncationKeepsWhatIsBeforeIt) {
  for (const Form form : {Form::xml, Form::text}) {
    const std::string whole = sample(form);
    std::size_t losses = 0;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      DamageLog damage;
      const Report report = read(whole.substr(0, size), damage);
      const std::size_t now = report.processes.empty() ? 0 : report.processes[0].losses.size();
      EXPECT_GE(now, losses) << size;
      losses = now;
    }
    EXPECT_EQ(losses, 2U);
  }
}

TEST(Memcheck, EveryByteFlipIsSurvived) {
  for (const Form form : {Form::xml, Form::text}) {
    const std::string whole = sample(form);
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const int flip : {0x01, 0x20, 0x80}) {
        std::string file = whole;
        file[at] = static_cast<char>(file[at] ^ flip);
        DamageLog damage;
        std::size_t losses = 0;
        for (const auto& process : read(file, damage).processes) losses += process.losses.size();
        EXPECT_LE(losses, 2U) << at;
      }
    }
  }
}

TEST(XmlReader, HandsOutTagsAndTexts) {
  const std::string text = "<?xml version=\"1.0\"?><!-- <a> --><a x='1'> t &lt;1 <b/></a>";
  formats::XmlReader xml(std::as_bytes(std::span(text)));
  using formats::XmlToken;
  ASSERT_TRUE(xml.next());
  EXPECT_EQ(xml.name(), "a");
  EXPECT_EQ(xml.text(), "x='1'");
  ASSERT_TRUE(xml.next());
  EXPECT_EQ(formats::unescape_xml(xml.text()), "t <1");
  ASSERT_TRUE(xml.next());
  EXPECT_EQ(xml.token(), XmlToken::open_tag);
  ASSERT_TRUE(xml.next());
  EXPECT_EQ(xml.token(), XmlToken::close_tag);
  EXPECT_EQ(xml.name(), "b");
  ASSERT_TRUE(xml.next());
  EXPECT_EQ(xml.name(), "a");
  EXPECT_FALSE(xml.next());
  EXPECT_FALSE(xml.is_cut());
}

TEST(XmlReader, ResolvesEntities) {
  EXPECT_EQ(formats::unescape_xml("&amp;&gt;&quot;&apos;&#65;&#x42;"), "&>\"'AB");
  EXPECT_EQ(formats::unescape_xml("a & b &unknown; &#0; &"), "a & b &unknown; &#0; &");
}

}  // namespace
