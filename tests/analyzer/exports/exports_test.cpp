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

TEST(Exports, SpeedscopeHasEachFrameOnceWhoeverCallsIt) {
  tests::ProfileBuilder builder;
  builder.allocate({"main", "a", "malloc"}, {1, 8, 1, 8, 1, 8, 0});
  builder.allocate({"main", "b", "malloc"}, {1, 16, 1, 16, 1, 16, 0});
  builder.profile().records.back().sum_total();
  const std::string json = export_speedscope(read_figures(std::move(builder.profile())), value_named("live"));
  EXPECT_NE(json.find("\"samples\": [[0, 1, 2], [0, 3, 2]]"), std::string::npos) << json;
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
                                             "peak_objects", "peak_space", "leaked_objects", "leaked_space"}));
  std::vector<std::uint64_t> sums(types.size());
  for (auto [at, end] = profile.texts.equal_range(2); at != end; ++at) {
    const std::string packed = parse(at->second).texts.find(2)->second;
    std::string_view values = packed;
    for (std::uint64_t& sum : sums) sum += varint(values);
    EXPECT_TRUE(values.empty());
  }
  EXPECT_EQ(sums, (std::vector<std::uint64_t>{1'110, 35'400, 105, 10'200, 91, 8'420, 105, 10'200}));
  EXPECT_EQ(strings.at(profile.numbers.find(14)->second), "leaked_space");
  std::size_t functions = profile.texts.count(5);
  EXPECT_EQ(functions, 7u);  // main, serve, open, new, malloc, put, format
  // Demangled names have no mangled one: pprof would shorten it.
  for (auto [at, end] = profile.texts.equal_range(5); at != end; ++at) {
    EXPECT_EQ(parse(at->second).numbers.count(3), 0u);
  }
  // The first mapping is the program, whatever allocated first.
  EXPECT_EQ(strings.at(parse(profile.texts.find(3)->second).numbers.find(5)->second), "/usr/bin/server");
}

TEST(Exports, PprofHasInlinedFramesInTheLocationOfTheirFunction) {
  tests::ProfileBuilder builder;
  queries::AllocationProfile& profile = builder.profile();
  queries::SiteId at = profile.sites.add(queries::no_site, {"main", "a.cc", 1, "/bin/a", false});
  at = profile.sites.add(at, {"outer", "a.cc", 2, "/bin/a", false});
  at = profile.sites.add(at, {"middle", "a.cc", 3, "/bin/a", true});
  at = profile.sites.add(at, {"inner", "a.cc", 4, "/bin/a", true});
  queries::SiteStatRow row;
  row.site = at;
  row.live_bytes = row.live_count = 1;
  profile.records.back().stats.push_back(row);
  profile.records.back().sum_total();
  const Fields fields = parse(inflated(export_pprof(read_figures(std::move(profile)), value_named("live"))));
  std::vector<std::size_t> lines;
  for (auto [location, end] = fields.texts.equal_range(4); location != end; ++location) {
    lines.push_back(parse(location->second).texts.count(4));
  }
  EXPECT_EQ(lines, (std::vector<std::size_t>{3, 1}));  // inner, middle, outer; main
}

TEST(Exports, PprofOfASampledProfileSaysHowManySamplesThereWere) {
  tests::ProfileBuilder builder;
  builder.allocate({"main", "malloc"}, {10, 800, 0, 0, 0, 0, 0}).sampled(524288, 9);
  builder.profile().records.back().sum_total();
  const Fields fields = parse(inflated(export_pprof(read_figures(std::move(builder.profile())), value_named("live"))));
  EXPECT_EQ(fields.numbers.find(12)->second, 524288u);
  std::vector<std::string> strings;
  for (auto [at, end] = fields.texts.equal_range(6); at != end; ++at) strings.push_back(at->second);
  std::vector<std::string> types;
  for (auto [at, end] = fields.texts.equal_range(1); at != end; ++at) {
    types.push_back(strings.at(parse(at->second).numbers.find(1)->second));
  }
  // Nothing is live, so no leaks were recorded: what leaked has no values of its own.
  EXPECT_EQ(types, (std::vector<std::string>{"alloc_objects", "alloc_space", "inuse_objects", "inuse_space",
                                             "peak_objects", "peak_space", "allocation_samples", "live_samples"}));
}

}  // namespace
}  // namespace analyzer
