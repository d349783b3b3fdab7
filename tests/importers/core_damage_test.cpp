// Whole imports of written cores, cut and flipped: no crash, a snapshot that agrees with itself, details that agree
// with the rows, and every missing byte counted once.
#include <gtest/gtest.h>

#include "tests/importers/imported_dump.h"
#include "tests/support/native_samples.h"

namespace tests {
namespace {

/// "" = the import refused the bytes in words, or agrees with itself.
std::string problem_of_import(const std::string& bytes, std::size_t* read = nullptr) {
  try {
    const ImportedDump in(bytes);
    if (read != nullptr) ++*read;
    if (std::string problem = in.problem(); !problem.empty()) return problem;
    for (std::uint32_t i = 0; i < in.snapshot.object_count; ++i) {
      const queries::ObjectId id{i};
      const std::size_t first = in.snapshot.references.first[i];
      const std::vector<queries::FieldValue> fields = in.details->fields(id, 64);
      const std::size_t count = in.snapshot.references.first[i + 1] - first;
      if (fields.size() != std::min<std::size_t>(count, 64)) return "details tell of other references than the rows";
      for (std::size_t k = 0; k < fields.size(); ++k) {
        const RecordedReference& row = in.rows.references[first + k];
        if (fields[k].target != row.target || fields[k].slot != row.slot) return "details differ from the rows";
      }
      const auto text = in.details->text(id, 64);
      if (text && !is_utf8(*text)) return "text that is not UTF-8";
    }
  } catch (const formats::InputError& error) {
    if (std::string(error.what()).empty()) return "a refusal without words";
  }
  return {};
}

struct Sample {
  const char* name;
  std::string (*make)();
  std::size_t stride;  ///< between cuts, between flipped bytes
};
class WrittenCores : public testing::TestWithParam<Sample> {};

// Strides keep each within seconds under the sanitizers; they are odd, so that all bytes of words have their turn.
INSTANTIATE_TEST_SUITE_P(All, WrittenCores,
                         testing::Values(Sample{"glibc", [] { return glibc_sample(); }, 151},
                                         Sample{"glibc_2_27", [] { return glibc_sample(27); }, 451},
                                         Sample{"glibc_2_43", [] { return glibc_sample(43); }, 451},
                                         Sample{"jemalloc", [] { return jemalloc_sample(); }, 41},
                                         Sample{"jemalloc_older",
                                                [] { return jemalloc_sample(JemallocWriter::older()); }, 451},
                                         Sample{"mimalloc", [] { return mimalloc_sample(); }, 7919},
                                         Sample{"tcmalloc", [] { return tcmalloc_sample(); }, 65'537}),
                         [](const auto& sample) { return sample.param.name; });

TEST_P(WrittenCores, AreReadWithoutDamageOrSayWhatIsWrong) {
  std::size_t read = 0;
  EXPECT_EQ(problem_of_import(GetParam().make(), &read), "");
  EXPECT_EQ(read, 1u);
}

TEST_P(WrittenCores, AreReadAtEveryCut) {
  const std::string whole = GetParam().make();
  std::size_t read = 0;
  for (std::size_t size = 0; size < whole.size(); size += size < 8192 ? GetParam().stride / 8 + 1 : GetParam().stride) {
    ASSERT_EQ(problem_of_import(whole.substr(0, size), &read), "") << size;
  }
  EXPECT_GT(read, 0u);
}

TEST_P(WrittenCores, AreReadWithAnyByteFlipped) {
  const std::string whole = GetParam().make();
  std::string flipped = whole;
  std::size_t read = 0;
  // Headers, notes and whatever is not zero closely; of the zeroes a few.
  std::size_t unlike_zero = 0;
  const std::size_t busy_stride = GetParam().stride > 1000 ? 37 : 13;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    const bool chosen = whole[at] != '\0' ? unlike_zero++ % busy_stride == 0 : at % (GetParam().stride * 8 + 1) == 0;
    if (!chosen) continue;
    flipped[at] = static_cast<char>(~whole[at]);
    ASSERT_EQ(problem_of_import(flipped, &read), "") << at;
    flipped[at] = whole[at];
  }
  EXPECT_GT(read, 0u);
}

}  // namespace
}  // namespace tests
