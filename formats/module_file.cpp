#include "formats/module_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>

namespace formats {
namespace {

constexpr std::uint64_t page = 4096;
constexpr std::size_t most_program_headers = 1024;  // real ones have about a dozen

/// Names a file without opening it: no device or FIFO feels anything. -1 = none.
int locate(const std::string& root, const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos) return -1;
  constexpr int flags = O_PATH | O_CLOEXEC;
  if (root.empty()) return ::open(path.c_str(), flags);
  const int folder = ::open(root.c_str(), flags | O_DIRECTORY);
  if (folder < 0) return -1;
  struct open_how how {};
  how.flags = static_cast<std::uint64_t>(flags);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  long found = syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how);
  if (found < 0 && (errno == ENOSYS || errno == EPERM)) {  // before Linux 5.6, or forbidden in a container
    const std::string below = "/" + path + "/";
    found = below.find("/../") != std::string::npos ? -1 : ::open((root + "/" + path).c_str(), flags);
  }
  close(folder);
  return static_cast<int>(found);
}

/// Whether what it holds is made up by the kernel as it is read (/proc/kcore is a "regular" file of 128 TiB).
bool is_real_file_system(int descriptor) {
  struct statfs status {};
  if (fstatfs(descriptor, &status) != 0) return false;
  constexpr std::array<std::uint32_t, 6> made_up{0x9fa0 /* proc */,         0x62656572 /* sysfs */,
                                                 0x64626720 /* debugfs */,  0x74726163 /* tracefs */,
                                                 0x73636673 /* security */, 0x27e0eb /* cgroup */};
  return std::find(made_up.begin(), made_up.end(), static_cast<std::uint32_t>(status.f_type)) == made_up.end();
}

bool is_elf64_le(Bytes head) {
  return head.size() >= 64 && elf::is_elf(head) && load_u8(&head[4]) == 2 && load_u8(&head[5]) == 1;
}

/// Separate debug files keep their notes, but not always where the program headers say.
std::string build_id_by_section(Bytes file) {
  constexpr std::size_t header_size = 64;
  const auto at = load_le<std::uint64_t>(&file[40]);
  const std::size_t count = load_le<std::uint16_t>(&file[60]);
  if (load_le<std::uint16_t>(&file[58]) != header_size || at > file.size() ||
      (file.size() - at) / header_size < count) {
    return {};
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::byte* header = &file[static_cast<std::size_t>(at) + i * header_size];
    constexpr std::uint32_t note = 7;  // SHT_NOTE
    const auto offset = load_le<std::uint64_t>(header + 24);
    const auto size = load_le<std::uint64_t>(header + 32);
    if (load_le<std::uint32_t>(header + 4) != note || offset > file.size() || size > file.size() - offset) continue;
    std::string id = find_build_id(file.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size)));
    if (!id.empty()) return id;
  }
  return {};
}

}  // namespace

std::optional<RegularFile> RegularFile::open(const std::string& root, const std::string& path) {
  const int found = locate(root, path);
  if (found < 0) return std::nullopt;
  struct stat status {};
  int descriptor = -1;
  if (fstat(found, &status) == 0 && S_ISREG(status.st_mode) && is_real_file_system(found)) {
    descriptor = ::open(("/proc/self/fd/" + std::to_string(found)).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  }
  close(found);
  if (descriptor < 0) return std::nullopt;
  return RegularFile(descriptor, static_cast<std::uint64_t>(std::max<off_t>(status.st_size, 0)));
}

RegularFile::RegularFile(RegularFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}

RegularFile& RegularFile::operator=(RegularFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  return *this;
}

RegularFile::~RegularFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::uint64_t ModuleHeaders::low() const { return loads.empty() ? 0 : loads.front().address & ~(page - 1); }

std::uint64_t ModuleHeaders::high() const {
  std::uint64_t end = 0;
  for (const LoadHeader& load : loads) end = std::max(end, load.address + load.memory_size);
  return end;
}

std::optional<ModuleHeaders> parse_module_headers(Bytes head) {
  if (!is_elf64_le(head)) return std::nullopt;
  const auto type = load_le<std::uint16_t>(&head[16]);
  const auto machine = load_le<std::uint16_t>(&head[18]);
  constexpr std::uint16_t executable = 2;
  constexpr std::uint16_t shared = 3;
  if ((type != executable && type != shared) || (machine != 62 && machine != 183)) return std::nullopt;
  const auto at = load_le<std::uint64_t>(&head[32]);
  const std::size_t count = load_le<std::uint16_t>(&head[56]);
  constexpr std::size_t header_size = 56;
  if (load_le<std::uint16_t>(&head[54]) != header_size || count == 0 || count > most_program_headers) {
    return std::nullopt;
  }
  if (at > head.size() || (head.size() - at) / header_size < count) return std::nullopt;

  ModuleHeaders headers;
  headers.machine = elf::Machine{machine};
  headers.position_independent = type == shared;
  headers.entry = load_le<std::uint64_t>(&head[24]);
  for (std::size_t i = 0; i < count; ++i) {
    const std::byte* header = &head[static_cast<std::size_t>(at) + i * header_size];
    const auto kind = load_le<std::uint32_t>(header);
    const auto flags = load_le<std::uint32_t>(header + 4);
    const auto offset = load_le<std::uint64_t>(header + 8);
    const auto address = load_le<std::uint64_t>(header + 16);
    const auto file_size = load_le<std::uint64_t>(header + 32);
    const auto memory_size = load_le<std::uint64_t>(header + 40);
    const auto alignment = load_le<std::uint64_t>(header + 48);
    constexpr std::uint64_t most = std::uint64_t{1} << 47;  // user space: sums below cannot wrap
    if (offset > most || address > most || file_size > most || memory_size > most) continue;
    constexpr std::uint32_t load = 1;
    constexpr std::uint32_t dynamic = 2;
    constexpr std::uint32_t note = 4;
    constexpr std::uint32_t thread_local_storage = 7;
    constexpr std::uint64_t most_alignment = 1 << 16;
    if (kind == load && memory_size >= file_size && memory_size != 0) {
      headers.loads.push_back({offset, address, file_size, memory_size, alignment, (flags & 2) != 0, (flags & 1) != 0});
    } else if (kind == dynamic) {
      headers.dynamic = address;
    } else if (kind == note) {
      headers.notes.push_back({offset, address, file_size});
    } else if (kind == thread_local_storage && alignment <= most_alignment) {
      headers.thread_local_bytes = (memory_size + std::max<std::uint64_t>(alignment, 1) - 1) & ~(alignment - 1);
    }
  }
  if (headers.loads.empty()) return std::nullopt;
  std::sort(headers.loads.begin(), headers.loads.end(),
            [](const LoadHeader& a, const LoadHeader& b) { return a.address < b.address; });
  return headers;
}

std::string find_build_id(Bytes notes) {
  std::size_t at = 0;
  while (notes.size() - at >= 12) {
    const auto name_size = load_le<std::uint32_t>(&notes[at]);
    const auto size = load_le<std::uint32_t>(&notes[at + 4]);
    const auto type = load_le<std::uint32_t>(&notes[at + 8]);
    const std::uint64_t body = at + 12 + ((std::uint64_t{name_size} + 3) & ~std::uint64_t{3});
    if (body > notes.size() || size > notes.size() - body) return {};
    constexpr std::uint32_t build_id = 3;
    if (type == build_id && size != 0 && size <= 64 &&
        as_text(notes.subspan(at + 12, name_size)) == std::string_view("GNU\0", 4)) {
      constexpr char digits[] = "0123456789abcdef";
      std::string text;
      for (const std::byte byte : notes.subspan(static_cast<std::size_t>(body), size)) {
        text += digits[std::to_integer<unsigned>(byte) >> 4];
        text += digits[std::to_integer<unsigned>(byte) & 15];
      }
      return text;
    }
    const std::uint64_t next = body + ((std::uint64_t{size} + 3) & ~std::uint64_t{3});
    if (next >= notes.size()) return {};
    at = static_cast<std::size_t>(next);
  }
  return {};
}

std::optional<ModuleFile> ModuleFile::open(const std::string& root, const std::string& path, Kind kind) {
  std::optional<RegularFile> file = RegularFile::open(root, path);
  if (!file || file->size() < 64 || file->size() > std::numeric_limits<std::int64_t>::max() / 2) return std::nullopt;
  std::array<std::byte, 64> head{};
  if (pread(file->descriptor(), head.data(), head.size(), 0) != static_cast<ssize_t>(head.size()) ||
      !is_elf64_le(head)) {
    return std::nullopt;
  }
  // Writable, but nobody else's: libelf marks compressed sections in their headers when it has inflated them.
  void* at = mmap(nullptr, file->size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file->descriptor(), 0);
  if (at == MAP_FAILED) return std::nullopt;
  const std::size_t size = file->size();
  ModuleFile module(root + path);
  module.bytes_ = {static_cast<const std::byte*>(at), size};
  std::optional<ModuleHeaders> headers = parse_module_headers(module.bytes_);
  if (!headers && kind == Kind::module) return std::nullopt;
  if (headers) module.headers_ = std::move(*headers);
  for (const ModuleHeaders::Notes& notes : module.headers_.notes) {
    if (notes.file_offset > size || notes.size > size - notes.file_offset) continue;
    module.build_id_ = find_build_id(
        module.bytes_.subspan(static_cast<std::size_t>(notes.file_offset), static_cast<std::size_t>(notes.size)));
    if (!module.build_id_.empty()) break;
  }
  if (module.build_id_.empty()) module.build_id_ = build_id_by_section(module.bytes_);
  return module;
}

ModuleFile::ModuleFile(ModuleFile&& other) noexcept
    : path_(std::move(other.path_)),
      bytes_(std::exchange(other.bytes_, {})),
      headers_(std::move(other.headers_)),
      build_id_(std::move(other.build_id_)) {}

ModuleFile& ModuleFile::operator=(ModuleFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(bytes_, other.bytes_);
  std::swap(headers_, other.headers_);
  std::swap(build_id_, other.build_id_);
  return *this;
}

ModuleFile::~ModuleFile() {
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace formats
