#include "formats/machine_code_cache.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <tuple>
#include <type_traits>

#include "formats/module_file.h"

namespace formats::machine_code {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t most_bytes = 256 << 20;       // of the folder, and of a file
constexpr std::uint64_t magic = 0x45444f4351504548u;  // "HEPQCODE"

/// The fields of a record in the order of the file; `r` is a record or a const one.
template <typename R>
auto fields(R& r) {
  using Record = std::remove_const_t<R>;
  if constexpr (std::is_same_v<Record, Function>) {
    return std::tie(r.start, r.end, r.is_known);
  } else if constexpr (std::is_same_v<Record, CodeReference>) {
    return std::tie(r.instruction, r.target, r.addend, r.function, r.access, r.via, r.size, r.operand_at);
  } else if constexpr (std::is_same_v<Record, AllocationSite>) {
    return std::tie(r.instruction, r.size, r.function, r.first_vtable, r.vtable_count, r.allocator);
  } else if constexpr (std::is_same_v<Record, StoredAddress>) {
    return std::tie(r.address, r.addend, r.is_loaded);
  } else if constexpr (std::is_same_v<Record, FieldAccess>) {
    return std::tie(r.function, r.offset, r.size, r.access, r.loop_depth, r.is_locked, r.is_indexed, r.count);
  } else if constexpr (std::is_same_v<Record, Call>) {
    return std::tie(r.function, r.callee);
  } else {
    return std::tie(r.start, r.end, r.function, r.stride, r.touched, r.depth, r.writes, r.is_vectorised);
  }
}

template <typename T>
void put(std::string& to, const T& value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename R>
void put_all(std::string& to, const std::vector<R>& records) {
  put(to, std::uint64_t{records.size()});
  for (const R& record : records) {
    std::apply([&](const auto&... field) { (put(to, field), ...); }, fields(record));
  }
}

/// Sticky: what is read behind the end is 0.
class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {}

  template <typename T>
  void get(T& value) {
    using Stored = typename std::conditional_t<std::is_enum_v<T>, std::underlying_type<T>, std::type_identity<T>>::type;
    using Whole = std::conditional_t<std::is_same_v<Stored, bool>, std::uint8_t, Stored>;
    if (bytes_.size() < sizeof(Whole)) {
      failed_ = true;
      return;
    }
    value = static_cast<T>(load_le<Whole>(bytes_.data()));
    bytes_ = bytes_.subspan(sizeof(Whole));
  }
  template <typename R>
  void get_all(std::vector<R>& records) {
    std::uint64_t count = 0;
    get(count);
    constexpr std::size_t smallest_record = 8;
    if (failed_ || count > bytes_.size() / smallest_record) {
      failed_ = true;
      return;
    }
    records.resize(static_cast<std::size_t>(count));
    for (R& record : records) {
      std::apply([&](auto&... field) { (get(field), ...); }, fields(record));
    }
  }
  [[nodiscard]] bool ends() const { return !failed_ && bytes_.empty(); }

 private:
  Bytes bytes_;
  bool failed_ = false;
};

std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t sum = 0xCBF2'9CE4'8422'2325u;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    sum = (sum ^ load_le<std::uint64_t>(reinterpret_cast<const std::byte*>(bytes.data()))) * 0x100'0000'01B3u;
    sum ^= sum >> 29;
  }
  for (const char c : bytes) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100'0000'01B3u;
  return sum;
}

bool is_access(Access access) { return access >= Access::read && access <= Access::address_taken; }

/// Whether every index lies in what it indexes.
bool is_sound(const CodeAnalysis& code) {
  const std::size_t functions = code.functions.size();
  const auto known = [&](const auto& one) { return one.function < functions; };
  return std::all_of(code.references.begin(), code.references.end(),
                     [&](const CodeReference& one) {
                       return known(one) && is_access(one.access) && one.via <= CodeReference::Via::contents;
                     }) &&
         std::all_of(code.sites.begin(), code.sites.end(),
                     [&](const AllocationSite& one) {
                       return known(one) && one.allocator < std::size(allocator_names) &&
                              std::uint64_t{one.first_vtable} + one.vtable_count <= code.vtables.size();
                     }) &&
         std::all_of(code.fields.begin(), code.fields.end(),
                     [&](const FieldAccess& one) { return known(one) && is_access(one.access); }) &&
         std::all_of(code.loops.begin(), code.loops.end(), known) &&
         std::all_of(code.calls.begin(), code.calls.end(),
                     [&](const Call& one) { return known(one) && one.callee < functions; });
}

/// Deletes what was used longest ago until `more` bytes fit.
void make_room(const fs::path& folder, std::uint64_t more) {
  struct File {
    fs::file_time_type used;
    fs::path path;
    std::uint64_t size;
  };
  std::vector<File> files;
  std::uint64_t sum = more;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code unreadable;
    File file{at->last_write_time(unreadable), at->path(), at->file_size(unreadable)};
    if (unreadable) continue;
    sum += file.size;
    files.push_back(std::move(file));
  }
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.used < b.used; });
  for (std::size_t i = 0; i < files.size() && sum > most_bytes; ++i) {
    if (fs::remove(files[i].path, error)) sum -= files[i].size;
  }
}

}  // namespace

std::string to_bytes(const CodeAnalysis& analysis) {
  std::string bytes;
  put(bytes, magic);
  put(bytes, analysis_version);
  put(bytes, analysis.instruction_count);
  put(bytes, analysis.undecodable_bytes);
  put_all(bytes, analysis.functions);
  put_all(bytes, analysis.references);
  put_all(bytes, analysis.sites);
  put_all(bytes, analysis.vtables);
  put_all(bytes, analysis.fields);
  put_all(bytes, analysis.loops);
  put_all(bytes, analysis.calls);
  put(bytes, checksum(bytes));
  return bytes;
}

std::optional<CodeAnalysis> from_bytes(Bytes bytes) {
  constexpr std::size_t sum_size = 8;
  if (bytes.size() < sum_size) return std::nullopt;
  const Bytes body = bytes.first(bytes.size() - sum_size);
  if (load_le<std::uint64_t>(&bytes[body.size()]) != checksum(as_text(body))) return std::nullopt;
  Reader reader(body);
  std::uint64_t mark = 0;
  std::uint32_t version = 0;
  reader.get(mark);
  reader.get(version);
  if (mark != magic || version != analysis_version) return std::nullopt;
  CodeAnalysis analysis;
  reader.get(analysis.instruction_count);
  reader.get(analysis.undecodable_bytes);
  reader.get_all(analysis.functions);
  reader.get_all(analysis.references);
  reader.get_all(analysis.sites);
  reader.get_all(analysis.vtables);
  reader.get_all(analysis.fields);
  reader.get_all(analysis.loops);
  reader.get_all(analysis.calls);
  if (!reader.ends() || !is_sound(analysis)) return std::nullopt;
  return analysis;
}

std::string CodeCache::path_of(const std::string& build_id) const {
  const bool is_id = build_id.size() >= 8 && build_id.find_first_not_of("0123456789abcdef") == std::string::npos;
  return folder_.empty() || !is_id ? std::string() : folder_ + "/" + build_id;
}

std::optional<CodeAnalysis> CodeCache::load(const std::string& build_id) const {
  const std::string path = path_of(build_id);
  if (path.empty()) return std::nullopt;
  const std::optional<RegularFile> file = RegularFile::open("", path);
  if (!file || file->size() > most_bytes) return std::nullopt;
  std::string bytes(static_cast<std::size_t>(file->size()), '\0');
  if (pread(file->descriptor(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return std::nullopt;
  }
  std::optional<CodeAnalysis> analysis = from_bytes({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()});
  std::error_code error;
  if (analysis) fs::last_write_time(path, fs::file_time_type::clock::now(), error);
  return analysis;
}

void CodeCache::store(const std::string& build_id, const CodeAnalysis& analysis) const {
  const std::string path = path_of(build_id);
  if (path.empty()) return;
  std::error_code error;
  fs::create_directories(folder_, error);
  const std::string bytes = to_bytes(analysis);
  if (error || bytes.size() > most_bytes) return;
  make_room(folder_, bytes.size());
  const std::string temporary = path + ".tmp-" + std::to_string(getpid());
  std::ofstream file(temporary, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (file.good()) {
    fs::rename(temporary, path, error);
  }
  if (!file.good() || error) fs::remove(temporary, error);
}

}  // namespace formats::machine_code
