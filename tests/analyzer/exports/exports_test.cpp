#include "analyzer/exports/exports.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <map>

#include "tests/support/profile_builder.h"

namespace analyzer {
namespace {

ProfileFigures small_figures() {
  tests::ProfileBuilder builder = tests::small_server();
  builder.profile().records.back().sum_total();
  return read_figures(std::move(builder.profile()));
}

const ExportValue& value_named(std::string_view name) {
  for (const ExportValue& value : export_values()) {
    if (value.name == name) return value;
  }
  throw std::runtime_error("no such value");
}

TEST(Exports, FoldedLinesGoFromTheCallerToTheAllocator) {
  EXPECT_EQ(export_folded(small_figures(), value_named("leaked")),
            "main;serve(int);Cache<int, long>::put(int);malloc 200\n"
            "main;serve(int);Session::open();operator new(unsigned long);malloc 10000\n");
  tests::ProfileBuilder builder;
  builder.allocate({"a;b", "c\nd"}, {1, 8, 1, 8, 1, 8, 0});
  builder.profile().records.back().sum_total();
  EXPECT_EQ(export_folded(read_figures(std::move(builder.profile())), value_named("live")), "a:b;c d 8\n");
}

TEST(Exports, SpeedscopeSumsToTheTotal) {
  const std::string json = export_speedscope(small_figures(), value_named("allocated"));
  EXPECT_NE(json.find("\"endValue\": 35400"), std::string::npos);
  EXPECT_NE(json.find("\"weights\": [10000, 400, 18000, 7000]"), std::string::npos) << json;
  EXPECT_NE(json.find("\"unit\": \"bytes\""), std::string::npos);
}

/// A reader of its own, by the wire format's rules only: field → values.
struct Fields {
  std::multimap<std::uint64_t, std::uint64_t> numbers;
  std::multimap<std::uint64_t, std::string> texts;
};

std::uint64_t varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0; !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7Fu} << shift;
    if ((byte & 0x80) == 0) break;
  }
  return value;
}

Fields parse(std::string_view bytes) {
  Fields fields;
  while (!bytes.empty()) {
    const std::uint64_t tag = varint(bytes);
    const std::uint64_t value = varint(bytes);
    if ((tag & 7) == 0) {
      fields.numbers.emplace(tag >> 3, value);
    } else {
      EXPECT_EQ(tag & 7, 2u);
      EXPECT_LE(value, bytes.size());
      fields.texts.emplace(tag >> 3, bytes.substr(0, value));
      bytes.remove_prefix(value);
    }
  }
  return fields;
}

std::string inflated(const std::string& gzip) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string in = gzip, out(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  inflateEnd(&stream);
  return out;
}

TEST(Exports, PprofHoldsEveryFigureOfEveryPath) {
  const Fields profile = parse(inflated(export_pprof(small_figures(), value_named("leaked"))));
  std::vector<std::string> strings;
  for (auto [at, end] = profile.texts.equal_range(6); at != end; ++at) strings.push_back(at->second);
  ASSERT_FALSE(strings.empty());
  EXPECT_EQ(strings[0], "");
  std::vector<std::string> types;
  for (auto [at, end] = profile.texts.equal_range(1); at != end; ++at) {
    types.push_back(strings.at(parse(at->second).numbers.find(1)->second));
  }
  EXPECT_EQ(types, (std::vector<std::string>{"alloc_objects", "alloc_space", "inuse_objects", "inuse_space",
                                             "peak_count", "peak_bytes", "leaked_count", "leaked_bytes"}));
  std::vector<std::uint64_t> sums(types.size());
  for (auto [at, end] = profile.texts.equal_range(2); at != end; ++at) {
    const std::string packed = parse(at->second).texts.find(2)->second;
    std::string_view values = packed;
    for (std::uint64_t& sum : sums) sum += varint(values);
    EXPECT_TRUE(values.empty());
  }
  EXPECT_EQ(sums, (std::vector<std::uint64_t>{1'110, 35'400, 105, 10'200, 91, 8'420, 105, 10'200}));
  EXPECT_EQ(strings.at(profile.numbers.find(14)->second), "leaked_bytes");
  std::size_t functions = profile.texts.count(5);
  EXPECT_EQ(functions, 7u);  // main, serve, open, new, malloc, put, format
}

}  // namespace
}  // namespace analyzer
