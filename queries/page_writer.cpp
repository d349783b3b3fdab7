#include "queries/page_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "queries/store.h"

namespace queries {
namespace {

constexpr std::size_t buffer_pages = 64;
constexpr std::size_t overflow_payload = store_page_size - 4;  // behind the number of the next overflow page

// Page types: https://www.sqlite.org/fileformat2.html#b_tree_pages
constexpr std::uint8_t index_interior = 2;
constexpr std::uint8_t table_interior = 5;
constexpr std::uint8_t index_leaf = 10;
constexpr std::uint8_t table_leaf = 13;
constexpr std::uint32_t leaf_header = 8;
constexpr std::uint32_t interior_header = 12;
constexpr std::size_t smallest_cell = 4;

void put_u16(std::uint8_t* at, std::uint32_t n) {
  at[0] = static_cast<std::uint8_t>(n >> 8);
  at[1] = static_cast<std::uint8_t>(n);
}
void put_u32(std::uint8_t* at, std::uint32_t n) {
  const std::uint32_t big_endian = __builtin_bswap32(n);
  std::memcpy(at, &big_endian, 4);
}
std::uint32_t get_u32(const std::uint8_t* at) {
  std::uint32_t big_endian = 0;
  std::memcpy(&big_endian, at, 4);
  return __builtin_bswap32(big_endian);
}

}  // namespace

PageFile::PageFile(const std::string& path) : path_(path) {
  file_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file_ < 0) fail("cannot open");
  struct stat status {};
  if (::fstat(file_, &status) != 0) fail("cannot examine");
  assert(status.st_size % store_page_size == 0);
  next_ = static_cast<std::uint32_t>(status.st_size / store_page_size) + 1;
  buffered_ = next_;
  buffer_.reserve(buffer_pages * store_page_size);
}

PageFile::~PageFile() {
  if (file_ >= 0) ::close(file_);
}

void PageFile::fail(const char* action) const {
  throw StoreError(path_ + ": " + action + ": " + std::generic_category().message(errno));
}

void PageFile::write_at(std::uint64_t offset, const std::uint8_t* bytes, std::size_t size) {
  while (size != 0) {
    const ssize_t written = ::pwrite(file_, bytes, size, static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      fail("cannot write");
    }
    offset += static_cast<std::uint64_t>(written);
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
}

void PageFile::flush() {
  if (!buffer_.empty()) write_at(std::uint64_t{buffered_ - 1} * store_page_size, buffer_.data(), buffer_.size());
  buffer_.clear();
  buffered_ = next_;
}

std::uint32_t PageFile::append(const std::uint8_t* page) {
  const std::uint32_t number = next_;
  if (number >= 0xFFFF'FFF0u) throw StoreError(path_ + ": more pages than an SQLite file can have");
  buffer_.insert(buffer_.end(), page, page + store_page_size);
  next_ = after(number);
  if (next_ != number + 1) buffer_.resize(buffer_.size() + store_page_size, 0);  // the lock page stays empty
  if (buffer_.size() >= buffer_pages * store_page_size) flush();
  return number;
}

void PageFile::overwrite(std::uint32_t page, const std::uint8_t* bytes) {
  write_at(std::uint64_t{page - 1} * store_page_size, bytes, store_page_size);
}

void PageFile::finish() {
  flush();
  std::uint8_t header[100];
  if (::pread(file_, header, sizeof header, 0) != static_cast<ssize_t>(sizeof header)) fail("cannot read back");
  const std::uint32_t change_counter = get_u32(header + 24) + 1;
  put_u32(header + 24, change_counter);
  put_u32(header + 28, next_ - 1);       // size of the database in pages,
  put_u32(header + 92, change_counter);  // which is believed when this equals the change counter
  write_at(0, header, sizeof header);
  if (::close(std::exchange(file_, -1)) != 0) fail("cannot close");
}

TreeWriter::TreeWriter(PageFile& file, std::uint32_t root, Kind kind) : file_(file), root_(root), kind_(kind) {
  assert(root >= 2);  // page 1 would have the file header in front
  constexpr std::size_t usable = store_page_size;
  max_local_ = kind == Kind::table ? usable - 35 : (usable - 12) * 64 / 255 - 23;
  min_local_ = (usable - 12) * 32 / 255 - 23;
  start(leaf_, true);
}

void TreeWriter::start(Page& page, bool leaf) {
  if (page.bytes.empty()) page.bytes.resize(store_page_size);
  page.cells = 0;
  page.content = store_page_size;
  page.bytes[0] = kind_ == Kind::table ? (leaf ? table_leaf : table_interior) : (leaf ? index_leaf : index_interior);
}

bool TreeWriter::fits(const Page& page, bool leaf, std::size_t size) const {
  return (leaf ? leaf_header : interior_header) + 2 * (page.cells + 1) + size <= page.content;
}

/// Makes room for a cell that fits, and its pointer.
std::uint8_t* TreeWriter::place(Page& page, bool leaf, std::size_t size) {
  page.content -= static_cast<std::uint32_t>(size);
  put_u16(page.bytes.data() + (leaf ? leaf_header : interior_header) + 2 * page.cells, page.content);
  ++page.cells;
  return page.bytes.data() + page.content;
}

/// Fills in the page header and clears what is between pointers and cells.
void TreeWriter::complete(Page& page, std::uint32_t right_child) {
  const bool leaf = right_child == 0;
  std::uint8_t* header = page.bytes.data();
  put_u16(header + 1, 0);  // no free blocks
  put_u16(header + 3, page.cells);
  put_u16(header + 5, page.content);
  header[7] = 0;  // no fragments
  if (!leaf) put_u32(header + 8, right_child);
  const std::uint32_t pointers_end = (leaf ? leaf_header : interior_header) + 2 * page.cells;
  std::memset(header + pointers_end, 0, page.content - pointers_end);
}

void TreeWriter::add_cell(const Record& record, std::int64_t rowid) {
  assert(kind_ == Kind::index || rows_ == 0 || rowid > last_rowid_);
  const std::size_t payload = record.size();
  ++rows_;
  if (payload <= max_local_ && held_.empty()) {
    const auto key = static_cast<std::uint64_t>(rowid);
    std::size_t size = varint_size(payload) + payload + (kind_ == Kind::table ? varint_size(key) : 0);
    size = std::max(size, smallest_cell);
    if (fits(leaf_, true, size)) {
      std::uint8_t* at = place(leaf_, true, size);
      at += put_varint(payload, at);
      if (kind_ == Kind::table) at += put_varint(key, at);
      record.write(at);
      last_rowid_ = rowid;
      return;
    }
  }
  spill(record, rowid);
  last_rowid_ = rowid;
}

/// The rare rows: those that end a page, that follow such a one, or that need overflow pages.
void TreeWriter::spill(const Record& record, std::int64_t rowid) {
  if (!held_.empty()) {  // a row follows: the held one becomes a divider, and a new leaf begins
    complete(leaf_, 0);
    push(0, file_.append(leaf_.bytes.data()), held_.data(), held_.size());
    held_.clear();
    start(leaf_, true);
  }
  const std::size_t payload = record.size();
  std::size_t local = payload;
  if (payload > max_local_) {
    const std::size_t rest = min_local_ + (payload - min_local_) % overflow_payload;
    local = rest <= max_local_ ? rest : min_local_;
  }
  const std::size_t size = build_large_cell(record, rowid, payload, local);
  if (!fits(leaf_, true, size)) {
    if (kind_ == Kind::index) {
      held_ = cell_;
      return;
    }
    flush_leaf();
  }
  std::memcpy(place(leaf_, true, size), cell_.data(), size);
}

/// The row as a leaf cell, in cell_; what is beyond `local` bytes goes to overflow pages now.
std::size_t TreeWriter::build_large_cell(const Record& record, std::int64_t rowid, std::size_t payload,
                                         std::size_t local) {
  if (payload_.size() < payload) payload_.resize(payload);
  record.write(payload_.data());
  cell_.resize(18 + local + 4);
  std::size_t size = put_varint(payload, cell_.data());
  if (kind_ == Kind::table) size += put_varint(static_cast<std::uint64_t>(rowid), cell_.data() + size);
  std::memcpy(cell_.data() + size, payload_.data(), local);
  size += local;
  if (local < payload) {
    put_u32(cell_.data() + size, file_.next_page());
    size += 4;
    std::vector<std::uint8_t> page(store_page_size);
    for (std::size_t done = local; done < payload;) {
      const std::size_t part = std::min(overflow_payload, payload - done);
      std::memcpy(page.data() + 4, payload_.data() + done, part);
      std::memset(page.data() + 4 + part, 0, overflow_payload - part);
      done += part;
      put_u32(page.data(), done < payload ? PageFile::after(file_.next_page()) : 0);
      file_.append(page.data());
    }
  }
  while (size < smallest_cell) cell_[size++] = 0;
  cell_.resize(size);
  return size;
}

/// Ends a full leaf of a table: its greatest rowid is the divider.
void TreeWriter::flush_leaf() {
  complete(leaf_, 0);
  std::uint8_t divider[9];
  const std::size_t size = put_varint(static_cast<std::uint64_t>(last_rowid_), divider);
  push(0, file_.append(leaf_.bytes.data()), divider, size);
  start(leaf_, true);
}

/// Enters a finished child and the divider after it. More children always follow.
void TreeWriter::push(std::size_t level, std::uint32_t child, const std::uint8_t* divider, std::size_t size) {
  if (level == levels_.size()) {
    levels_.push_back(std::make_unique<Level>());
    start(levels_.back()->page, false);
  }
  Level& at = *levels_[level];
  if (at.pending_child != 0) {  // the full page can end now: its successor will not be empty
    complete(at.page, at.pending_child);
    const std::uint32_t number = file_.append(at.page.bytes.data());
    push(level + 1, number, at.pending.data(), at.pending.size());
    at.pending_child = 0;
    start(at.page, false);
  }
  if (!fits(at.page, false, 4 + size)) {
    at.pending.assign(divider, divider + size);
    at.pending_child = child;
    return;
  }
  std::uint8_t* cell = place(at.page, false, 4 + size);
  put_u32(cell, child);
  std::memcpy(cell + 4, divider, size);
}

/// Removes the last cell of a page and hands it out. Cells are placed downwards: the last one starts at page.content.
void TreeWriter::take_last_cell(Page& page, bool leaf, std::vector<std::uint8_t>& cell) {
  assert(page.cells >= 2);
  const std::uint8_t* pointer = page.bytes.data() + (leaf ? leaf_header : interior_header) + 2 * (page.cells - 2);
  const std::uint32_t end = static_cast<std::uint32_t>(pointer[0] << 8 | pointer[1]);
  cell.assign(page.bytes.begin() + page.content, page.bytes.begin() + end);
  page.content = end;
  --page.cells;
}

void TreeWriter::write_top(const Page& page) { file_.overwrite(root_, page.bytes.data()); }

void TreeWriter::finish() {
  if (rows_ == 0) return;
  std::vector<std::uint8_t> divider;
  if (!held_.empty()) {  // nothing follows: the row before it becomes the divider, it gets the last leaf to itself
    take_last_cell(leaf_, true, divider);
    complete(leaf_, 0);
    push(0, file_.append(leaf_.bytes.data()), divider.data(), divider.size());
    start(leaf_, true);
    std::memcpy(place(leaf_, true, held_.size()), held_.data(), held_.size());
  }
  complete(leaf_, 0);
  if (levels_.empty()) return write_top(leaf_);
  std::uint32_t last = file_.append(leaf_.bytes.data());
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    Level& level = *levels_[i];
    if (level.pending_child != 0) {  // no page may be without cells: the last one that fitted goes up instead
      take_last_cell(level.page, false, divider);
      complete(level.page, get_u32(divider.data()));
      push(i + 1, file_.append(level.page.bytes.data()), divider.data() + 4, divider.size() - 4);
      start(level.page, false);
      std::uint8_t* cell = place(level.page, false, 4 + level.pending.size());
      put_u32(cell, level.pending_child);
      std::memcpy(cell + 4, level.pending.data(), level.pending.size());
    }
    complete(level.page, last);
    if (i + 1 == levels_.size()) return write_top(level.page);
    last = file_.append(level.page.bytes.data());
  }
}

}  // namespace queries
