// The page writer against SQLite: what is written by pages must be what SQLite reads, in a file it finds nothing wrong
// with.
#include "queries/page_writer.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cmath>
#include <limits>
#include <random>
#include <variant>

#include "queries/store.h"

namespace {

using queries::PageFile;
using queries::Record;
using queries::TreeWriter;

struct Blob {
  std::string bytes;
  bool operator==(const Blob& other) const { return bytes == other.bytes; }
};
using Cell = std::variant<std::monostate, std::int64_t, double, std::string, Blob>;
using Row = std::vector<Cell>;

class PageWriterTest : public testing::Test {
 protected:
  PageWriterTest() : path_(testing::TempDir() + "page_writer." + std::to_string(::getpid()) + ".db") {
    ::unlink(path_.c_str());
  }
  ~PageWriterTest() override { ::unlink(path_.c_str()); }

  static void execute(sqlite3* db, const std::string& sql) {
    char* message = nullptr;
    ASSERT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK) << message << "\n" << sql;
  }
  /// Makes the file with these tables, returns their root pages.
  std::vector<std::uint32_t> create(const std::string& schema) {
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
    execute(db, "PRAGMA page_size=16384; PRAGMA auto_vacuum=0; PRAGMA journal_mode=OFF;" + schema);
    std::vector<std::uint32_t> roots;
    for (const auto& row : select(db, "SELECT rootpage FROM sqlite_schema WHERE rootpage > 0 ORDER BY name")) {
      roots.push_back(static_cast<std::uint32_t>(std::get<std::int64_t>(row[0])));
    }
    sqlite3_close(db);
    return roots;
  }
  static std::vector<Row> select(sqlite3* db, const std::string& sql) {
    std::vector<Row> rows;
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
      Row row;
      for (int i = 0; i < sqlite3_column_count(statement); ++i) row.push_back(cell(statement, i));
      rows.push_back(std::move(row));
    }
    EXPECT_EQ(code, SQLITE_DONE) << sqlite3_errmsg(db);
    sqlite3_finalize(statement);
    return rows;
  }
  std::vector<Row> read(const std::string& sql) {
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open_v2(path_.c_str(), &db, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
    std::vector<Row> rows = select(db, sql);
    sqlite3_close(db);
    return rows;
  }
  void expect_sound() {
    EXPECT_EQ(read("PRAGMA integrity_check"), (std::vector<Row>{{std::string("ok")}}));
    EXPECT_EQ(read("PRAGMA quick_check"), (std::vector<Row>{{std::string("ok")}}));
  }
  static Cell cell(sqlite3_stmt* statement, int column) {
    const auto bytes = [&](const void* data) {
      return std::string(static_cast<const char*>(data),
                         static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
    };
    switch (sqlite3_column_type(statement, column)) {
      case SQLITE_INTEGER: return sqlite3_column_int64(statement, column);
      case SQLITE_FLOAT: return sqlite3_column_double(statement, column);
      case SQLITE_TEXT: return bytes(sqlite3_column_text(statement, column));
      case SQLITE_BLOB: {
        const void* data = sqlite3_column_blob(statement, column);
        return data == nullptr ? Blob{} : Blob{bytes(data)};
      }
      default: return std::monostate{};
    }
  }

  std::string path_;
};

void put(Record& record, const Cell& cell) {
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) return record.integer(*integer);
  if (const auto* real = std::get_if<double>(&cell)) return record.real(*real);
  if (const auto* text = std::get_if<std::string>(&cell)) return record.text(*text);
  if (const auto* blob = std::get_if<Blob>(&cell)) return record.blob(blob->bytes);
  record.null();
}

/// A value of any type; text and blobs mostly short, sometimes over several overflow pages.
Cell random_cell(std::mt19937_64& random) {
  const auto bytes = [&] {
    std::size_t size = random() % 40;
    if (random() % 50 == 0) size = random() % 5000;
    if (random() % 400 == 0) size = random() % 100000;
    std::string text(size, ' ');
    for (char& c : text) c = static_cast<char>('a' + random() % 26);
    return text;
  };
  switch (random() % 6) {
    case 0: return std::monostate{};
    case 1: return static_cast<double>(random()) / 3;
    case 2: return bytes();
    case 3: return Blob{bytes()};
    default: return static_cast<std::int64_t>(random()) >> (random() % 64);
  }
}

TEST_F(PageWriterTest, EveryIntegerWidthReadsBack) {
  const auto roots = create("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
  PageFile file(path_);
  TreeWriter tree(file, roots[0], TreeWriter::Kind::table);
  std::vector<Row> expected;
  Record record;
  const auto add = [&](std::int64_t value) {
    record.clear();
    record.null();
    record.integer(value);
    const auto id = static_cast<std::int64_t>(expected.size());
    tree.add(id, record);
    expected.push_back({id, value});
  };
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (std::int64_t delta = -2; delta <= 2; ++delta) {
      const auto value = static_cast<std::int64_t>((std::uint64_t{1} << bit) + static_cast<std::uint64_t>(delta));
      add(value);
      add(static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(value)));
    }
  }
  tree.finish();
  file.finish();
  EXPECT_EQ(read("SELECT id, v FROM t ORDER BY id"), expected);
  expect_sound();
}

TEST_F(PageWriterTest, EveryVarintLengthOfARowid) {
  const auto roots = create("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
  PageFile file(path_);
  TreeWriter tree(file, roots[0], TreeWriter::Kind::table);
  std::vector<Row> expected;
  Record record;
  const auto add = [&](std::int64_t id) {
    record.clear();
    record.null();
    record.integer(7);
    tree.add(id, record);
    expected.push_back({id, std::int64_t{7}});
  };
  add(std::numeric_limits<std::int64_t>::min());
  add(-1);
  add(0);
  for (unsigned bit = 1; bit < 63; ++bit) {
    add((std::int64_t{1} << bit) - 1);
    add(std::int64_t{1} << bit);
  }
  add(std::numeric_limits<std::int64_t>::max());
  expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
  tree.finish();
  file.finish();
  EXPECT_EQ(read("SELECT id, v FROM t ORDER BY id"), expected);
  expect_sound();
}

/// Two tables filled row by row in turn, every number of rows around the ends of pages and levels.
TEST_F(PageWriterTest, RandomRowsOfTwoTablesInterleaved) {
  for (const std::size_t rows : {0u, 1u, 2u, 3u, 17u, 300u, 301u, 302u, 999u, 4000u}) {
    std::mt19937_64 random(rows);
    ::unlink(path_.c_str());
    const auto roots = create(
        "CREATE TABLE a(id INTEGER PRIMARY KEY, x, y, z);"
        "CREATE TABLE b(k INTEGER, s INTEGER, x, y, PRIMARY KEY(k, s)) WITHOUT ROWID");
    PageFile file(path_);
    TreeWriter a(file, roots[0], TreeWriter::Kind::table);
    TreeWriter b(file, roots[1], TreeWriter::Kind::index);
    std::vector<Row> expected_a;
    std::vector<Row> expected_b;
    Record record;
    std::int64_t id = 0;
    std::int64_t k = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      id += 1 + static_cast<std::int64_t>(random() % 1000);
      Row row{id, random_cell(random), random_cell(random), random_cell(random)};
      record.clear();
      record.null();
      for (std::size_t c = 1; c < 4; ++c) put(record, row[c]);
      if (random() % 2 == 0) record.drop_trailing_nulls();
      a.add(id, record);
      expected_a.push_back(std::move(row));
      k += static_cast<std::int64_t>(random() % 3);
      Row keyed{k, static_cast<std::int64_t>(i), random_cell(random), random_cell(random)};
      record.clear();
      for (const Cell& cell : keyed) put(record, cell);
      if (random() % 2 == 0) record.drop_trailing_nulls();
      b.add(record);
      expected_b.push_back(std::move(keyed));
    }
    a.finish();
    b.finish();
    file.finish();
    EXPECT_TRUE(read("SELECT id, x, y, z FROM a ORDER BY id") == expected_a) << rows;
    EXPECT_TRUE(read("SELECT k, s, x, y FROM b ORDER BY k, s") == expected_b) << rows;
    expect_sound();
  }
}

/// Wide keys make an index tree of three levels soon; each row count ends the tree in another state.
TEST_F(PageWriterTest, IndexTreeOfThreeLevelsEndsCleanlyAtAnyRow) {
  const std::string filler(3000, 'x');
  for (std::size_t rows = 1; rows < 160; ++rows) {
    ::unlink(path_.c_str());
    const auto roots = create("CREATE TABLE t(k INTEGER PRIMARY KEY, v TEXT) WITHOUT ROWID");
    PageFile file(path_);
    TreeWriter tree(file, roots[0], TreeWriter::Kind::index);
    Record record;
    for (std::size_t i = 0; i < rows; ++i) {
      record.clear();
      record.integer(static_cast<std::int64_t>(i));
      record.text(filler);
      tree.add(record);
    }
    tree.finish();
    file.finish();
    expect_sound();
    EXPECT_EQ(read("SELECT count(*), sum(k), sum(length(v)) FROM t"),
              (std::vector<Row>{{static_cast<std::int64_t>(rows), static_cast<std::int64_t>(rows * (rows - 1) / 2),
                                 static_cast<std::int64_t>(rows * filler.size())}}));
    EXPECT_EQ(read("SELECT k FROM t WHERE k = " + std::to_string(rows - 1)).size(), 1u);
  }
}

TEST_F(PageWriterTest, TableTreeOfThreeLevels) {
  const auto roots = create("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)");
  const std::string filler(16000, 'x');
  constexpr std::int64_t rows = 3500;  // one row a leaf, some 1 800 children a page above
  PageFile file(path_);
  TreeWriter tree(file, roots[0], TreeWriter::Kind::table);
  Record record;
  for (std::int64_t i = 0; i < rows; ++i) {
    record.clear();
    record.null();
    record.text(filler);
    tree.add(i << 20, record);
  }
  tree.finish();
  file.finish();
  expect_sound();
  EXPECT_EQ(read("SELECT count(*), max(id) FROM t"), (std::vector<Row>{{rows, (rows - 1) << 20}}));
  EXPECT_EQ(read("SELECT length(v) FROM t WHERE id = " + std::to_string(std::int64_t{1234} << 20)).size(), 1u);
}

TEST_F(PageWriterTest, SQLiteCanGoOnWritingAndVacuum) {
  const auto roots = create("CREATE TABLE t(k INTEGER, v INTEGER NOT NULL DEFAULT 5, PRIMARY KEY(k)) WITHOUT ROWID");
  PageFile file(path_);
  TreeWriter tree(file, roots[0], TreeWriter::Kind::index);
  Record record;
  for (std::int64_t i = 0; i < 20000; ++i) {
    record.clear();
    record.integer(2 * i);
    if (i % 2 != 0) record.integer(i);  // else the default
    tree.add(record);
  }
  tree.finish();
  file.finish();
  expect_sound();
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
  EXPECT_EQ(select(db, "SELECT v FROM t WHERE k = 4"), (std::vector<Row>{{std::int64_t{5}}}));
  execute(db, "INSERT INTO t SELECT k + 1, 1 FROM t; DELETE FROM t WHERE k % 3 = 0; VACUUM");
  EXPECT_EQ(select(db, "SELECT count(*) FROM t"), (std::vector<Row>{{std::int64_t{26666}}}));
  sqlite3_close(db);
  expect_sound();
}

TEST_F(PageWriterTest, AMissingFileIsAnErrorThatNamesIt) {
  create("CREATE TABLE t(k INTEGER PRIMARY KEY)");
  EXPECT_THROW({ PageFile file("/nonexistent/x.db"); }, queries::StoreError);
  try {
    PageFile file("/nonexistent/x.db");
  } catch (const queries::StoreError& error) {
    EXPECT_NE(std::string(error.what()).find("/nonexistent/x.db"), std::string::npos);
  }
}

}  // namespace
