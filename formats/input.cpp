#include "formats/input.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "formats/decoder.h"
#include "formats/gzip.h"
#include "formats/spool.h"

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

[[noreturn]] void fail_unreadable(const std::string& path, std::string_view compression) {
  fail(path, std::string(compression) + " stream with nothing readable in it", 0,
       "test it with `" + std::string(compression) + " -t`");
}

/// The first `limit` bytes that come out, or fewer.
std::string inflate_head(const Compression& compression, Bytes stored, const std::string& path, std::size_t limit) {
  std::string head(limit, '\0');
  DamageLog damage;
  head.resize(compression.decoder(stored, path, damage)->read(std::as_writable_bytes(std::span(head))));
  return head;
}

void inflate(Decoder& decoder, Spool& spool, const InputOptions& options) {
  std::vector<std::byte> room(std::size_t{1} << 20);
  std::size_t size = 0;
  do {
    size = decoder.read(room);
    spool.write({room.data(), size});
    if (options.progress) options.progress(decoder.used(), decoder.file_size());
  } while (size == room.size());
}

}  // namespace

struct Input::State {
  std::string path;
  std::uint64_t file_size = 0;
  std::string_view compression_name;
  std::optional<Mapping> mapping;  // what bytes() is, unless borrowed; of the stored bytes as long as `pending`
  Bytes bytes;
  bool pending = false;  // still to be inflated
  const Compression* compression = nullptr;
  DamageLog* damage = nullptr;
  InputOptions options;
  std::string head;

  void inflate_all();
};

void Input::State::inflate_all() {
  madvise(mapping->address, mapping->size, MADV_SEQUENTIAL);
  Spool spool(path, options.spool_limit);
  if (compression != nullptr) {
    inflate(*compression->decoder(bytes, path, *damage), spool, options);
  } else {
    gzip::inflate(bytes, spool, *damage, options.threads, options.progress);
  }
  if (spool.size() == 0) fail_unreadable(path, compression_name);
  mapping = Mapping(spool.descriptor(), spool.size(), path);
  bytes = mapping->bytes();
  pending = false;
}

Input Input::open(const std::string& path, DamageLog& damage, const InputOptions& options) {
  const Descriptor file(open_for_reading(path));
  const struct stat status = status_of(file.number, path);
  // Standard input redirected from a file is as good as the file, if nobody has read from it yet.
  const bool regular = S_ISREG(status.st_mode) && (path != "-" || lseek(file.number, 0, SEEK_CUR) == 0);
  auto state = std::make_unique<State>();
  state->mapping = regular ? Mapping(file.number, static_cast<std::uint64_t>(status.st_size), path)
                           : spool_stream(file.number, path, options);
  state->path = path;
  state->file_size = state->mapping->size;
  state->bytes = state->mapping->bytes();
  state->compression = find_compression(state->bytes);
  if (state->compression != nullptr || gzip::looks_like(state->bytes)) {
    state->compression_name = state->compression != nullptr ? state->compression->name : "gzip";
    state->damage = &damage;
    state->options = options;
    state->pending = true;
    if (!options.inflate_later) state->inflate_all();
  }
  return Input(std::move(state));
}

std::string Input::read_head(const std::string& path, std::size_t limit) {
  const Descriptor file(open_for_reading(path));
  const struct stat status = status_of(file.number, path);
  if (!S_ISREG(status.st_mode)) {
    fail(path, "is a stream, whose head cannot be read twice", 0, "open it as a whole or save it to a file first");
  }
  // Incompressible bytes grow a little, and nothing comes before a block is complete: 128 KiB of zstd, 900 kB of bzip2.
  const std::uint64_t enough = std::uint64_t{limit} + (1u << 20);
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
  if (const Compression* compression = find_compression(bytes)) return inflate_head(*compression, bytes, path, limit);
  stored.resize(std::min(stored.size(), limit));
  return stored;
}

Input Input::borrow(Bytes bytes, std::string name) {
  auto state = std::make_unique<State>();
  state->bytes = bytes;
  state->path = std::move(name);
  state->file_size = bytes.size();
  return Input(std::move(state));
}

Input::Input(std::unique_ptr<State> state) : state_(std::move(state)) {}
Input::Input(Input&& other) noexcept = default;
Input& Input::operator=(Input&& other) noexcept = default;
Input::~Input() = default;

Bytes Input::bytes() const {
  if (state_->pending) state_->inflate_all();
  return state_->bytes;
}

Bytes Input::head(std::size_t limit) const {
  if (!state_->pending) return state_->bytes.first(std::min(limit, state_->bytes.size()));
  if (state_->head.size() < limit) {
    state_->head = state_->compression != nullptr
                       ? inflate_head(*state_->compression, state_->bytes, state_->path, limit)
                       : gzip::inflate_head(state_->bytes, limit);
    if (state_->head.empty()) fail_unreadable(state_->path, state_->compression_name);
  }
  return std::as_bytes(std::span(state_->head)).first(std::min(limit, state_->head.size()));
}

std::unique_ptr<Decoder> Input::decoder() const {
  if (!state_->pending || state_->compression == nullptr) return nullptr;
  return state_->compression->decoder(state_->bytes, state_->path, *state_->damage);
}

const std::string& Input::path() const { return state_->path; }
std::uint64_t Input::file_size() const { return state_->file_size; }
std::string_view Input::compression() const { return state_->compression_name; }

void Input::release_before(std::uint64_t offset) const {
  if (!state_->mapping || state_->pending) return;
  const Mapping& mapping = *state_->mapping;
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(offset, mapping.size) / page * page);
  if (size != 0) madvise(mapping.address, size, MADV_DONTNEED);
}

void Input::expect_sequential() const {
  if (state_->mapping) madvise(state_->mapping->address, state_->mapping->size, MADV_SEQUENTIAL);
}

}  // namespace formats
