#include "tests/support/core_writer.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace tests {
namespace {

constexpr std::uint64_t header_size = 64;
constexpr std::uint64_t program_header_size = 56;
constexpr std::uint64_t section_header_size = 64;
constexpr std::uint16_t many_headers = 0xFFFF;

/// Little-endian fields, one behind the other.
class Fields {
 public:
  template <typename T>
  Fields& add(T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    text_.append(bytes, sizeof bytes);
    return *this;
  }
  Fields& add(std::string_view bytes) {
    text_ += bytes;
    return *this;
  }
  Fields& zeros_to(std::size_t size) {
    if (text_.size() < size) text_.resize(size, '\0');
    return *this;
  }
  /// Cut or padded to `size` with at least one NUL at its end.
  Fields& add_text(std::string_view text, std::size_t size) {
    std::string field(text.substr(0, size - 1));
    field.resize(size, '\0');
    return add(std::string_view(field));
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string one_note(std::string_view name, std::uint32_t type, std::string_view body) {
  const auto padded = [](std::size_t size) { return (size + 3) & ~std::size_t{3}; };
  Fields note;
  note.add(static_cast<std::uint32_t>(name.size() + 1)).add(static_cast<std::uint32_t>(body.size())).add(type);
  note.add(name).zeros_to(12 + padded(name.size() + 1));
  note.add(body).zeros_to(12 + padded(name.size() + 1) + padded(body.size()));
  return note.take();
}

struct RegisterPlaces {
  std::size_t count, program_counter, stack_pointer;
};
RegisterPlaces places_of(formats::elf::Machine machine) {
  return machine == formats::elf::Machine::x86_64 ? RegisterPlaces{27, 16, 19} : RegisterPlaces{34, 32, 31};
}

/// struct elf_prstatus: 336 bytes on x86-64, 392 on AArch64.
std::string status_body(formats::elf::Machine machine, const CoreWriter::Thread& thread) {
  constexpr std::size_t x86_fs_base = 21;
  const RegisterPlaces places = places_of(machine);
  std::vector<std::uint64_t> registers = thread.registers;
  registers.resize(places.count);
  if (thread.program_counter != 0) registers[places.program_counter] = thread.program_counter;
  if (thread.stack_pointer != 0) registers[places.stack_pointer] = thread.stack_pointer;
  if (machine == formats::elf::Machine::x86_64 && thread.thread_pointer != 0)
    registers[x86_fs_base] = thread.thread_pointer;
  Fields body;
  body.add(std::int32_t{thread.signal}).zeros_to(12).add(static_cast<std::int16_t>(thread.signal));
  body.zeros_to(32).add(static_cast<std::int32_t>(thread.os_id)).zeros_to(112);
  for (const std::uint64_t value : registers) body.add(value);
  return body.add(std::uint64_t{1}).take();  // pr_fpvalid and padding
}

}  // namespace

CoreWriter& CoreWriter::segment(std::uint64_t address, std::string bytes, std::string_view permissions) {
  const std::uint64_t size = bytes.size();
  return partly_dumped(address, std::move(bytes), size, permissions);
}

CoreWriter& CoreWriter::partly_dumped(std::uint64_t address, std::string bytes, std::uint64_t size,
                                      std::string_view permissions) {
  const auto has = [&](char c) { return permissions.find(c) != std::string_view::npos; };
  const std::uint32_t flags = (has('r') ? 4U : 0U) | (has('w') ? 2U : 0U) | (has('x') ? 1U : 0U);
  segments_.push_back({address, size, std::move(bytes), flags});
  return *this;
}

CoreWriter& CoreWriter::absent(std::uint64_t address, std::uint64_t size, std::string_view permissions) {
  return partly_dumped(address, "", size, permissions);
}

CoreWriter& CoreWriter::put(std::uint64_t address, std::string_view bytes) {
  for (Segment& segment : segments_) {
    if (address < segment.address || address - segment.address > segment.bytes.size()) continue;
    const auto at = static_cast<std::size_t>(address - segment.address);
    if (bytes.size() > segment.bytes.size() - at) continue;
    segment.bytes.replace(at, bytes.size(), bytes);
    return *this;
  }
  std::fprintf(stderr, "CoreWriter: no segment holds %zu bytes at %#llx\n", bytes.size(),
               static_cast<unsigned long long>(address));
  std::abort();
}

CoreWriter& CoreWriter::thread(const Thread& thread) {
  threads_.push_back(thread);
  return *this;
}
CoreWriter& CoreWriter::process(const Process& process) {
  processes_.push_back(process);
  return *this;
}
CoreWriter& CoreWriter::signal(const Signal& signal) {
  signals_.push_back(signal);
  return *this;
}
CoreWriter& CoreWriter::auxiliary(std::uint64_t type, std::uint64_t value) {
  auxiliary_.push_back({type, value});
  return *this;
}
CoreWriter& CoreWriter::file(std::uint64_t start, std::uint64_t end, std::uint64_t offset, std::string path) {
  files_.push_back({start, end, offset, std::move(path)});
  return *this;
}
CoreWriter& CoreWriter::file_page_size(std::uint64_t bytes) {
  file_page_size_ = bytes;
  return *this;
}
CoreWriter& CoreWriter::note(std::string name, std::uint32_t type, std::string body) {
  others_.push_back({std::move(name), type, std::move(body)});
  return *this;
}
CoreWriter& CoreWriter::count_in_section() {
  count_in_section_ = true;
  return *this;
}
CoreWriter& CoreWriter::alignment(std::uint64_t bytes) {
  alignment_ = bytes;
  return *this;
}

/// In the kernel's order: the notes of the process stand between the first thread's status and its other registers.
std::string CoreWriter::notes() const {
  std::string process_notes;
  for (const Process& process : processes_) {
    Fields body;
    body.zeros_to(24).add(process.id).zeros_to(40).add_text(process.program, 16).add_text(process.arguments, 80);
    process_notes += one_note("CORE", 3, body.take());
  }
  for (const Signal& signal : signals_) {
    Fields body;
    body.add(std::int32_t{signal.number}).add(std::int32_t{0}).add(std::int32_t{signal.code});
    process_notes += one_note("CORE", 0x53494749, body.zeros_to(16).add(signal.address).zeros_to(128).take());
  }
  if (!auxiliary_.empty()) {
    Fields body;
    for (const auto& entry : auxiliary_) body.add(entry.type).add(entry.value);
    process_notes += one_note("CORE", 6, body.add(std::uint64_t{0}).add(std::uint64_t{0}).take());
  }
  if (!files_.empty()) {
    Fields body;
    body.add(std::uint64_t{files_.size()}).add(file_page_size_);
    for (const File& file : files_) body.add(file.start).add(file.end).add(file.offset / file_page_size_);
    for (const File& file : files_) body.add(std::string_view(file.path)).add('\0');
    process_notes += one_note("CORE", 0x46494c45, body.take());
  }
  if (threads_.empty()) return process_notes;

  std::string all;
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    const Thread& thread = threads_[i];
    all += one_note("CORE", 1, status_body(machine_, thread));
    if (i == 0) all += process_notes;
    const bool x86 = machine_ == Machine::x86_64;
    if (!thread.vector_registers.empty()) {
      all += x86 ? one_note("LINUX", 0x202, thread.vector_registers) : one_note("CORE", 2, thread.vector_registers);
    }
    if (!x86 && thread.thread_pointer != 0) all += one_note("LINUX", 0x401, Fields().add(thread.thread_pointer).take());
  }
  return all;
}

std::uint64_t CoreWriter::headers_end() const {
  return header_size + (count_in_section_ ? section_header_size : 0) + (1 + segments_.size()) * program_header_size;
}

std::uint64_t CoreWriter::offset_of_segment(std::size_t index) const {
  std::uint64_t offset = headers_end() + notes().size();
  for (const Note& other : others_) offset += one_note(other.name, other.type, other.body).size();
  for (std::size_t i = 0;; ++i) {
    offset = (offset + alignment_ - 1) / alignment_ * alignment_;
    if (i == index) return offset;
    offset += segments_[i].bytes.size();
  }
}

std::string CoreWriter::bytes() const {
  std::string all_notes = notes();
  for (const Note& other : others_) all_notes += one_note(other.name, other.type, other.body);
  const auto count = static_cast<std::uint32_t>(1 + segments_.size());
  const std::uint64_t headers_at = header_size + (count_in_section_ ? section_header_size : 0);

  Fields out;
  out.add(std::string_view("\x7f"
                           "ELF\x02\x01\x01",
                           7))
      .zeros_to(16);
  out.add(std::uint16_t{4}).add(static_cast<std::uint16_t>(machine_)).add(std::uint32_t{1});
  out.add(std::uint64_t{0}).add(headers_at).add(count_in_section_ ? header_size : std::uint64_t{0});
  out.add(std::uint32_t{0}).add(static_cast<std::uint16_t>(header_size));
  out.add(static_cast<std::uint16_t>(program_header_size));
  out.add(count_in_section_ ? many_headers : static_cast<std::uint16_t>(count));
  out.add(static_cast<std::uint16_t>(count_in_section_ ? section_header_size : 0));
  out.add(static_cast<std::uint16_t>(count_in_section_ ? 1 : 0)).add(std::uint16_t{0});
  if (count_in_section_) {  // all zero but sh_size (no sections) and sh_info
    out.zeros_to(header_size + 44).add(count).zeros_to(header_size + section_header_size);
  }
  const auto program_header = [&](std::uint32_t type, std::uint32_t flags, std::uint64_t offset, std::uint64_t address,
                                  std::uint64_t file_size, std::uint64_t size) {
    out.add(type).add(flags).add(offset).add(address).add(std::uint64_t{0}).add(file_size).add(size).add(alignment_);
  };
  program_header(4, 0, headers_end(), 0, all_notes.size(), 0);
  std::uint64_t offset = headers_end() + all_notes.size();
  for (const Segment& segment : segments_) {
    offset = (offset + alignment_ - 1) / alignment_ * alignment_;
    program_header(1, segment.flags, offset, segment.address, segment.bytes.size(), segment.size);
    offset += segment.bytes.size();
  }
  out.add(std::string_view(all_notes));
  std::string file = out.take();
  for (const Segment& segment : segments_) {
    file.resize((file.size() + alignment_ - 1) / alignment_ * alignment_, '\0');
    file += segment.bytes;
  }
  return file;
}

}  // namespace tests
