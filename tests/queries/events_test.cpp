// Rows of `event`: what the store is given is what stock SQLite reads, and what the view makes of it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <random>
#include <string>

#include "queries/allocation_profile.h"
#include "queries/store.h"
#include "tests/support/plain_sqlite.h"

namespace tests {
namespace {

using queries::AllocationEvent;
using queries::EventKind;
using queries::no_site;
using queries::SiteId;

class EventRowsTest : public testing::Test {
 protected:
  EventRowsTest() {
    snapshot_.profile = std::make_shared<queries::AllocationProfile>();
    snapshot_.meta.emplace_back("event.is_estimated", "0");
    snapshot_.threads.emplace_back().name = "main";
  }
  ~EventRowsTest() override { std::remove(path_.c_str()); }

  SiteId site(std::string_view function, SiteId caller = no_site) {
    queries::SiteFrame frame;
    frame.function = function;
    return snapshot_.profile->sites.add(caller, frame);
  }
  void finish(queries::Store& store) { store.finish(snapshot_, {}); }

  std::string path_ = testing::TempDir() + "events_" + std::to_string(getpid()) + ".db";
  queries::Snapshot snapshot_;
};

AllocationEvent event(std::uint64_t id, EventKind kind, std::int64_t size, std::uint64_t allocation = 0) {
  AllocationEvent row;
  row.id = id;
  row.kind = kind;
  row.size = size;
  row.allocation = allocation;
  return row;
}

TEST_F(EventRowsTest, AreReadByStockSqliteAndAsTextByTheView) {
  const SiteId serve = site("serve");
  const SiteId allocator = site("operator new", serve);
  snapshot_.profile->naming = {serve, serve};
  queries::SiteStatRow stat;
  stat.site = allocator;
  snapshot_.profile->records.emplace_back().stats.push_back(stat);
  queries::Store store(path_, {});
  AllocationEvent first = event(1, EventKind::operator_new, 4096);
  first.t_ms = 1500;
  first.address = 0xFFFF'8000'0000'0010;
  first.site = allocator;
  first.thread = 0;
  store.event(first);
  store.event(event(2, EventKind::allocation, 0));
  AllocationEvent free = event(5, EventKind::operator_delete, 4096, 1);  // ids may have gaps
  free.t_ms = 2000;
  free.address = first.address;
  store.event(free);
  store.event(event(6, EventKind::free, -1));
  store.event(event(7, EventKind::pymalloc_realloc, 100));
  finish(store);
  const PlainSqlite db(path_);
  EXPECT_EQ(db.text("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(db.text("SELECT id, t_ms, kind, size, site_id, allocation_id, address, thread_id FROM event"),
            "1|1500|14|4096|1||-140737488355312|0\n"
            "2||0|0||||\n"
            "5|2000|3|4096||1|-140737488355312|\n"
            "6||1|||||\n"
            "7||18|100||||");
  EXPECT_EQ(db.text("SELECT id, t, kind, address, size, live_bytes_delta, site_id, function, thread_id, thread, "
                    "allocation_id, is_estimated FROM events"),
            "1|1.5|new|0xffff800000000010|4096|4096|1|serve|0|main||\n"
            "2||allocation||0|0||||||\n"
            "5|2.0|delete|0xffff800000000010|4096|-4096|||||1|0\n"
            "6||free|||||||||\n"
            "7||pymalloc_realloc||100|100||||||");
}

TEST_F(EventRowsTest, KindsHaveTheTextOfTheirEnumeration) {
  queries::Store store(path_, {});
  std::string expected;
  for (int kind = 0; kind <= static_cast<int>(EventKind::pymalloc_realloc); ++kind) {
    const auto id = static_cast<std::uint64_t>(kind) + 1;
    store.event(event(id, static_cast<EventKind>(kind), 8));
    expected += (expected.empty() ? "" : "\n") + std::string(to_text(static_cast<EventKind>(kind))) +
                (ends_block(static_cast<EventKind>(kind)) ? "|-8" : "|8");
  }
  finish(store);
  EXPECT_EQ(PlainSqlite(path_).text("SELECT kind, live_bytes_delta FROM events"), expected);
}

TEST_F(EventRowsTest, FillManyPages) {
  queries::Store store(path_, {});
  std::mt19937_64 random(7);
  std::int64_t sum = 0;
  constexpr std::uint64_t count = 200'000;
  for (std::uint64_t id = 1; id <= count; ++id) {
    AllocationEvent row = event(id, EventKind::malloc, static_cast<std::int64_t>(random() >> (18 + random() % 46)));
    row.t_ms = static_cast<std::int64_t>(id / 1000);
    row.address = random() >> (random() % 64);
    sum += row.size;
    store.event(row);
  }
  finish(store);
  const PlainSqlite db(path_);
  EXPECT_EQ(db.text("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(db.text("SELECT count(*), max(id), sum(size), max(t_ms) FROM event"),
            std::to_string(count) + "|" + std::to_string(count) + "|" + std::to_string(sum) + "|200");
}

TEST_F(EventRowsTest, OutOfOrderAreRefused) {
  queries::Store store(path_, {});
  store.event(event(2, EventKind::malloc, 8));
  EXPECT_THROW(store.event(event(2, EventKind::malloc, 8)), std::logic_error);
  EXPECT_THROW(store.event(event(1, EventKind::malloc, 8)), std::logic_error);
}

}  // namespace
}  // namespace tests
