#include "formats/input.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "formats/gzip.h"
#include "formats/spool.h"
#include "formats/zstd.h"

namespace formats {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what, int code, const std::string& advice) {
  throw InputError(path + ": " + what + (code != 0 ? ": " + std::generic_category().message(code) : "") + "; " +
                   advice);
}

struct Descriptor {
  explicit Descriptor(int opened) : number(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number > STDIN_FILENO) close(number);
  }
  int number;
};

int open_for_reading(const std::string& path) {
  if (path == "-") return STDIN_FILENO;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    fail(path, "cannot open", errno, errno == ENOENT ? "check the path" : "check that you may read it");
  }
  return descriptor;
}

struct stat status_of(int descriptor, const std::string& path) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) fail(path, "cannot stat", errno, "check that it is a readable file");
  if (S_ISDIR(status.st_mode)) fail(path, "is a folder", 0, "name a file in it");
  return status;
}

/// Reads until `size` bytes or the end; the number read.
std::size_t read_fully(int descriptor, const std::string& path, std::byte* to, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(descriptor, to + done, size - done);
    if (got < 0) {
      if (errno == EINTR) continue;
      fail(path, "cannot read", errno, "check the disk or the program that writes it");
    }
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

/// Owns a read-only mapping of a whole file until released.
struct Mapping {
  Mapping(int descriptor, std::uint64_t file_size, const std::string& path) : size(file_size) {
    if (size == 0) fail(path, "is empty", 0, "check the program that should have written it");
    void* at = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (at == MAP_FAILED) fail(path, "cannot map", errno, "check the limits on address space (ulimit -v)");
    address = at;
  }
  Mapping(Mapping&& other) noexcept : address(std::exchange(other.address, nullptr)), size(other.size) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(address, other.address);
    std::swap(size, other.size);
    return *this;
  }
  ~Mapping() {
    if (address != nullptr) munmap(address, size);
  }
  [[nodiscard]] Bytes bytes() const { return {static_cast<const std::byte*>(address), size}; }
  void* address = nullptr;
  std::size_t size = 0;
};

/// A pipe, a terminal, …: its bytes in a spool.
Mapping spool_stream(int descriptor, const std::string& path, const InputOptions& options) {
  Spool spool(path, options.spool_limit);
  std::vector<std::byte> room(std::size_t{1} << 20);
  while (const std::size_t size = read_fully(descriptor, path, room.data(), room.size())) {
    spool.write({room.data(), size});
    if (options.progress) options.progress(spool.size(), 0);
  }
  return Mapping(spool.descriptor(), spool.size(), path);
}

}  // namespace

Input Input::open(const std::string& path, DamageLog& damage, const InputOptions& options) {
  const Descriptor file(open_for_reading(path));
  const struct stat status = status_of(file.number, path);
  // Standard input redirected from a file is as good as the file, if nobody has read from it yet.
  const bool regular = S_ISREG(status.st_mode) && (path != "-" || lseek(file.number, 0, SEEK_CUR) == 0);
  Mapping mapping = regular ? Mapping(file.number, static_cast<std::uint64_t>(status.st_size), path)
                            : spool_stream(file.number, path, options);
  Input input;
  input.path_ = path;
  input.file_size_ = mapping.size;
  const Bytes stored = mapping.bytes();
  if (gzip::looks_like(stored) || zstd::looks_like(stored)) {
    input.compression_ = gzip::looks_like(stored) ? "gzip" : "zstd";
    madvise(mapping.address, mapping.size, MADV_SEQUENTIAL);
    Spool spool(path, options.spool_limit);
    if (gzip::looks_like(stored)) {
      gzip::inflate(stored, spool, damage, options.threads, options.progress);
    } else {
      zstd::inflate(stored, path, spool, damage, options.progress);
    }
    if (spool.size() == 0) {
      fail(path, std::string(input.compression_) + " stream with nothing readable in it", 0,
           "test it with `" + std::string(input.compression_) + " -t`");
    }
    mapping = Mapping(spool.descriptor(), spool.size(), path);
  }
  input.bytes_ = mapping.bytes();
  input.mapped_size_ = mapping.size;
  input.mapping_ = std::exchange(mapping.address, nullptr);
  return input;
}

std::string Input::read_head(const std::string& path, std::size_t limit) {
  const Descriptor file(open_for_reading(path));
  const struct stat status = status_of(file.number, path);
  if (!S_ISREG(status.st_mode)) {
    fail(path, "is a stream, whose head cannot be read twice", 0, "open it as a whole or save it to a file first");
  }
  // Incompressible bytes grow a little, and zstd gives nothing before a block (up to 128 KiB) is complete.
  const std::uint64_t enough = std::uint64_t{limit} + (256u << 10);
  std::string stored(std::min<std::uint64_t>(enough, static_cast<std::uint64_t>(status.st_size)), '\0');
  std::size_t size = 0;
  while (size < stored.size()) {  // pread: standard input redirected from a file stays where it is
    const ssize_t got = pread(file.number, stored.data() + size, stored.size() - size, static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, "cannot read", errno, "check the disk");
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  stored.resize(size);
  const Bytes bytes = std::as_bytes(std::span(stored));
  if (gzip::looks_like(bytes)) return gzip::inflate_head(bytes, limit);
  if (zstd::looks_like(bytes)) return zstd::inflate_head(bytes, limit);
  stored.resize(std::min(stored.size(), limit));
  return stored;
}

Input Input::borrow(Bytes bytes, std::string name) {
  Input input;
  input.bytes_ = bytes;
  input.path_ = std::move(name);
  input.file_size_ = bytes.size();
  return input;
}

Input::Input(Input&& other) noexcept
    : bytes_(other.bytes_),
      path_(std::move(other.path_)),
      file_size_(other.file_size_),
      compression_(other.compression_),
      mapping_(std::exchange(other.mapping_, nullptr)),
      mapped_size_(other.mapped_size_) {
  other.bytes_ = {};
}

Input& Input::operator=(Input&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(path_, other.path_);
  std::swap(file_size_, other.file_size_);
  std::swap(compression_, other.compression_);
  std::swap(mapping_, other.mapping_);
  std::swap(mapped_size_, other.mapped_size_);
  return *this;
}

Input::~Input() {
  if (mapping_ != nullptr) munmap(mapping_, mapped_size_);
}

void Input::release_before(std::uint64_t offset) const {
  if (mapping_ == nullptr) return;
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(offset, mapped_size_) / page * page);
  if (size != 0) madvise(mapping_, size, MADV_DONTNEED);
}

void Input::expect_sequential() const {
  if (mapping_ != nullptr) madvise(mapping_, mapped_size_, MADV_SEQUENTIAL);
}

}  // namespace formats
