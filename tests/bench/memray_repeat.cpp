// Makes a long memray capture of a short one: memray_repeat TIMES IN OUT writes its records TIMES over, with the names
// of code once, every repetition at addresses and moments of its own. What is measured with it is the reading of as
// many records of the kinds and in the order in which a real program makes them; how large a process's tables grow is
// not.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>

#include "formats/input.h"
#include "formats/memray.h"
#include "tests/support/memray_writer.h"

namespace {

using namespace formats::memray;

int repeat(unsigned long times, const char* in, const char* out) {
  formats::DamageLog damage;
  const formats::Input input = formats::Input::open(in, damage);
  const auto header = read_header(input.bytes());
  if (!header || header->is_aggregated || header->version < 12) {
    std::fprintf(stderr, "%s: no capture of single allocations of version 12 or later\n", in);
    return 1;
  }
  tests::MemrayWriter::Options options;
  options.version = header->version;
  options.python_version = header->python_version;
  options.traces_python_allocators = header->traces_python_allocators;
  const std::int64_t length = header->end_ms - header->start_ms + 1;
  options.end_ms = options.start_ms + length * static_cast<std::int64_t>(times);
  tests::MemrayWriter to(options);
  std::uint64_t allocations = 0;
  for (unsigned long i = 0; i < times; ++i) {
    Reader reader(input.bytes(), *header, damage);
    Record record;
    std::map<std::uint64_t, std::uint32_t> depth;  // of each thread's stack
    std::uint64_t thread = 0;
    while (reader.next(record) && record.kind != RecordKind::end) {
      switch (record.kind) {
        case RecordKind::code_object:
          if (i == 0) {
            to.code(record.id, record.function, record.file, record.line,
                    {reinterpret_cast<const char*>(record.line_table.data()), record.line_table.size()});
          }
          break;
        case RecordKind::frame_push:
          ++depth[thread];
          to.push(record.id, record.instruction_offset);
          break;
        case RecordKind::frame_pop:
          depth[thread] -= record.count;
          to.pop(record.count);
          break;
        case RecordKind::allocation:
          allocations += is_free(record.allocator) || record.allocator == Allocator::munmap ? 0 : 1;
          to.allocate(record.allocator, record.address + (std::uint64_t{i} << 48), record.size);
          break;
        case RecordKind::thread_switch:
          thread = record.thread;
          to.thread(thread);
          break;
        case RecordKind::thread_name:
          if (i == 0) to.thread_name(record.function);
          break;
        case RecordKind::memory: to.memory(record.ms + i * static_cast<std::uint64_t>(length), record.rss); break;
        default: break;  // native frames and modules
      }
    }
    for (auto& [id, frames] : depth) {
      if (frames == 0) continue;
      to.thread(id);
      for (; frames > 0; frames -= std::min(frames, 16u)) to.pop(std::min(frames, 16u));
    }
  }
  const std::string bytes = to.end().bytes();
  std::ofstream(out, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  std::printf("%zu bytes, %llu allocations\n", bytes.size(), static_cast<unsigned long long>(allocations));
  return damage.count() == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: memray_repeat TIMES IN OUT\n");
    return 2;
  }
  return repeat(std::strtoul(argv[1], nullptr, 10), argv[2], argv[3]);
}
