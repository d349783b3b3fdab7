// Writes the b-trees of big tables straight into an SQLite file, in key order, each page once: 25–60 ns a row where an
// INSERT costs 600–1700 (tests/bench). Format: https://www.sqlite.org/fileformat2.html#b_tree_pages.
//
// Use: SQLite makes the schema with 16 KiB pages and closes; PageFile opens the file; one TreeWriter per big table
// takes its rows (several at a time, interleaved as they come); finish() each tree, then the file; SQLite reopens it.
// Leaves are appended in the order they fill up; interior pages are built bottom-up; the top page of each tree goes
// where SQLite had put the table's empty root. Between open and finish the file is not a valid database: write beside,
// then rename.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "queries/record.h"

namespace queries {

inline constexpr std::uint32_t store_page_size = 16384;

/// The growing file. Appends whole pages through a 1 MiB buffer. Throws StoreError with file and cause.
class PageFile {
 public:
  /// Opens a database that SQLite has just made (page size 16 KiB, no auto-vacuum, no journal left).
  explicit PageFile(const std::string& path);
  ~PageFile();
  PageFile(const PageFile&) = delete;
  PageFile& operator=(const PageFile&) = delete;

  /// The number that the next append() will return.
  [[nodiscard]] std::uint32_t next_page() const { return next_; }
  /// The page number that follows `page` in the order of appending: skips the page SQLite locks.
  [[nodiscard]] static std::uint32_t after(std::uint32_t page) { return page + (page + 1 == lock_page ? 2u : 1u); }
  std::uint32_t append(const std::uint8_t* page);
  /// Replaces a page that existed when the file was opened.
  void overwrite(std::uint32_t page, const std::uint8_t* bytes);
  /// Flushes and makes the header true: page count, change counter. Once, after every tree's finish().
  void finish();

 private:
  static constexpr std::uint32_t lock_page = 0x4000'0000u / store_page_size + 1;  // holds the byte that SQLite locks
  void flush();
  void write_at(std::uint64_t offset, const std::uint8_t* bytes, std::size_t size);
  [[noreturn]] void fail(const char* action) const;

  std::string path_;
  int file_ = -1;
  std::uint32_t next_ = 0;      ///< number of the next page
  std::uint32_t buffered_ = 0;  ///< number of the first page in buffer_
  std::vector<std::uint8_t> buffer_;
};

/// One b-tree. 16 KiB of memory for the leaf and for each level above it.
class TreeWriter {
 public:
  enum class Kind : std::uint8_t {
    table,  ///< ordinary table: add(rowid, record), rowids ascend
    index,  ///< WITHOUT ROWID table or index: add(record), records ascend by their key columns
  };
  /// `root`: the table's rootpage in sqlite_schema. The tree must be empty.
  TreeWriter(PageFile& file, std::uint32_t root, Kind kind);

  void add(std::int64_t rowid, const Record& record) { add_cell(record, rowid); }
  void add(const Record& record) { add_cell(record, 0); }
  /// Writes what is left and the root. A tree without rows stays as SQLite made it.
  void finish();
  [[nodiscard]] std::uint64_t row_count() const { return rows_; }

 private:
  struct Page {  // one node while it fills
    std::vector<std::uint8_t> bytes;
    std::uint32_t cells = 0;
    std::uint32_t content = store_page_size;  // start of the cell content area, which grows downwards
  };
  struct Level {  // of interior pages; levels_[0] is above the leaves
    Page page;
    std::vector<std::uint8_t> pending;  // a divider that does not fit: the next page starts after it
    std::uint32_t pending_child = 0;
  };

  void add_cell(const Record& record, std::int64_t rowid);
  void spill(const Record& record, std::int64_t rowid);
  std::size_t build_large_cell(const Record& record, std::int64_t rowid, std::size_t payload, std::size_t local);
  void flush_leaf();
  void push(std::size_t level, std::uint32_t child, const std::uint8_t* divider, std::size_t size);
  void complete(Page& page, std::uint32_t right_child);
  void start(Page& page, bool leaf);
  std::uint8_t* place(Page& page, bool leaf, std::size_t size);
  [[nodiscard]] bool fits(const Page& page, bool leaf, std::size_t size) const;
  void take_last_cell(Page& page, bool leaf, std::vector<std::uint8_t>& cell);
  void write_top(const Page& page);

  PageFile& file_;
  std::uint32_t root_;
  Kind kind_;
  std::size_t max_local_;  // payload bytes of a cell that need no overflow page
  std::size_t min_local_;
  std::uint64_t rows_ = 0;
  std::int64_t last_rowid_ = 0;
  Page leaf_;
  std::vector<std::unique_ptr<Level>> levels_;
  std::vector<std::uint8_t> held_;  // index: the row that did not fit, to become the divider when another one follows
  std::vector<std::uint8_t> cell_;  // of a row with overflow pages
  std::vector<std::uint8_t> payload_;
};

}  // namespace queries
