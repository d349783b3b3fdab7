#include "importers/core_importer.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>

#include "formats/elf_core.h"
#include "formats/link_map.h"
#include "importers/memory_samples.h"
#include "importers/native_allocators.h"
#include "importers/native_blocks.h"
#include "importers/native_code.h"
#include "importers/native_debug_types.h"
#include "importers/native_details.h"
#include "importers/native_heap.h"
#include "importers/native_mappings.h"
#include "importers/native_modules.h"
#include "importers/native_references.h"
#include "importers/native_requested.h"
#include "importers/native_roots.h"
#include "importers/native_runtime_blocks.h"
#include "importers/native_sharing.h"
#include "importers/native_stale_words.h"
#include "importers/native_type_layouts.h"
#include "importers/native_types.h"
#include "importers/registry.h"
#include "importers/take_damage.h"
#include "queries/utf8.h"

namespace importers {
namespace {

using formats::ProcessImage;
using queries::Snapshot;

/// "SIGSEGV (11) at 0x10".
std::string signal_text(const formats::elf::Signal& signal) {
  const char* name = sigabbrev_np(signal.number);
  std::string text = name == nullptr ? "signal" : std::string("SIG") + name;
  text += " (" + std::to_string(signal.number) + ")";
  if (signal.address == 0) return text;
  char address[24];
  std::snprintf(address, sizeof address, " at 0x%llx", static_cast<unsigned long long>(signal.address));
  return text + address;
}

/// "glibc malloc, jemalloc 5": what a report calls the runtime.
std::string allocators(const native::NativeHeap& heap) {
  std::string text;
  for (const auto& walk : heap.walks()) {
    if (!text.empty()) text += ", ";
    text += walk->allocator();
  }
  return text;
}

void make_meta(const formats::elf::Core& core, const native::NativeHeap& heap, Snapshot& snapshot) {
  const auto put = [&](std::string key, std::string value) {
    snapshot.meta.emplace_back(std::move(key), std::move(value));
  };
  put("core.machine", core.machine == formats::elf::Machine::x86_64 ? "x86-64" : "AArch64");
  put("core.program", core.program);
  put("core.arguments", core.arguments);
  put("core.process_id", std::to_string(core.process_id));
  put("core.threads", std::to_string(core.threads.size()));
  if (core.signal) {
    put("core.signal", signal_text(*core.signal));
  }
  for (const auto& walk : heap.walks()) {
    std::size_t passed = 0;
    for (const formats::HeapCheck& check : walk->checks()) {
      passed += check.ok() ? 1 : 0;
      put("check." + walk->allocator() + "." + check.name,
          check.ok() ? std::to_string(check.found) + ", as counted by the allocator"
                     : std::to_string(check.found) + ", the allocator counts " + std::to_string(check.expected));
    }
    put("allocator." + walk->allocator(),
        std::to_string(passed) + " of " + std::to_string(walk->checks().size()) + " self-checks agree");
  }
}

/// Writable memory that was cut off may hold what points to a block: such blocks look leaked.
void warn_of_missing_memory(const native::Process& process, Snapshot& snapshot) {
  if (process.core.missing_bytes == 0) return;
  std::uint64_t missing = 0;
  for (const formats::elf::Segment& segment : process.core.segments) {
    if (segment.writable) missing += segment.dumped - segment.bytes.size();
  }
  if (missing == 0) return;
  snapshot.meta.emplace_back("core.missing_writable_bytes", std::to_string(missing));
  snapshot.warnings.push_back(
      std::to_string(missing) +
      " bytes of writable memory are not in the core: what only they point to is called leaked");
}

void make_classes(const native::TypedBlocks& types, Snapshot& snapshot) {
  for (const native::NativeType& type : types.types) {
    queries::ClassRow row;
    row.name = type.name;
    row.kind = queries::ClassKind::block;
    row.source = native::to_text(type.evidence);
    snapshot.classes.push_back(std::move(row));
  }
  snapshot.class_of.reserve(snapshot.object_count);
  for (const std::uint32_t type : types.type_of) snapshot.class_of.push_back(queries::ClassId{type});
}

void make_histogram(Snapshot& snapshot) {
  snapshot.histogram.resize(snapshot.classes.size());
  for (std::uint32_t i = 0; i < snapshot.histogram.size(); ++i) snapshot.histogram[i].class_id = queries::ClassId{i};
  for (std::uint32_t i = 0; i < snapshot.object_count; ++i) {
    const queries::ObjectId id{i};
    queries::HistogramRow& row = snapshot.histogram[index(snapshot.class_of[id])];
    ++row.object_count;
    row.shallow_bytes += snapshot.shallow[id];
  }
}

/// A core that was cut before its memory begins, or that never had any, holds nothing to analyse.
void require_memory(const formats::elf::Core& core, std::size_t file_size) {
  std::uint64_t dumped = 0;
  for (const formats::elf::Segment& segment : core.segments) {
    if (!segment.bytes.empty()) return;
    dumped += segment.dumped;
  }
  if (core.missing_bytes == 0) {
    throw formats::InputError("a core without memory: all " + std::to_string(core.segments.size()) +
                              " segments were left out (is coredump_filter 0?)");
  }
  throw formats::InputError("a core cut short in its headers: after " + std::to_string(file_size) +
                            " bytes, none of the " + std::to_string(dumped) +
                            " bytes of memory are there that its headers tell of (disk full, or ulimit -c?)");
}

/// No allocator's finder knows anything: what there is instead.
std::string no_heap(const formats::elf::Core& core, const native::NativeHeap& heap) {
  std::uint64_t writable = 0;
  for (const formats::elf::Segment& segment : core.segments) writable += segment.writable ? segment.bytes.size() : 0;
  std::string text = "no heap of a known allocator in this core of " +
                     (core.program.empty() ? "a process" : "'" + core.program + "'") + ": " +
                     std::to_string(core.threads.size()) + " threads, " + std::to_string(core.segments.size()) +
                     " segments with " + std::to_string(writable) + " bytes of writable memory, " +
                     std::to_string(core.files.size()) + " mapped files" +
                     (core.missing_bytes != 0 ? ", cut short" : "");
  const std::vector<std::string> missing = native::missing_heaps(core, heap.walks());
  for (const std::string& sentence : missing) text += "; " + sentence;
  if (missing.empty()) text += "; did the program allocate at all?";
  return text;
}

}  // namespace

void import_core(ImportJob& job) {
  Snapshot& snapshot = job.snapshot;
  const std::string& path = job.input.path();
  const formats::Bytes file = job.input.bytes();
  formats::DamageLog damage;
  std::shared_ptr<native::Process> process;
  try {
    formats::elf::Core core = formats::elf::read_core(file, damage);
    require_memory(core, file.size());
    formats::complete_files(core);
    process = std::make_shared<native::Process>(std::move(core), job.options.modules);
  } catch (const formats::InputError& error) {
    throw formats::InputError(path + ": " + error.what());
  }
  const ProcessImage& image = process->image;
  snapshot.path = path;
  snapshot.format = "core";
  snapshot.pointer_size = 8;
  snapshot.manual_memory = true;

  if (job.progress) job.progress("heap", 0, 0);
  const native::NativeHeap heap(image, damage);
  if (heap.empty()) throw formats::InputError(path + ": " + no_heap(process->core, heap));
  heap.fill(snapshot);
  take_damage(damage, snapshot);
  snapshot.runtime = allocators(heap);
  make_meta(process->core, heap, snapshot);
  warn_of_missing_memory(*process, snapshot);
  for (std::string& sentence : native::missing_heaps(process->core, heap.walks())) {
    snapshot.warnings.push_back(std::move(sentence));
  }
  native::describe_modules(*process, snapshot);
  const native::SymbolNames names(process->symbols);

  const native::Blocks blocks(snapshot.addresses, snapshot.shallow);
  if (job.progress) job.progress("types", 0, snapshot.object_count);
  native::TypedBlocks types = native::find_types(image, heap.owned(), blocks, &names);
  const std::vector<formats::CallStack> stacks = native::call_stacks(*process);
  formats::TypeCatalog catalog(process->session);
  native::find_debug_types(catalog, image, blocks, stacks, &names, types);
  if (job.progress) job.progress("code", 0, 0);
  const native::NativeCode code(*process, heap, job.options);
  if (code.type_blocks(types, blocks) != 0) native::charge_to_owners(types, image, blocks, &names);
  const auto runtime_blocks = native::find_runtime_blocks(image, blocks, types);
  make_classes(types, snapshot);
  if (job.options.histogram_only) {
    make_histogram(snapshot);
    return snapshot.make_texts_valid();
  }
  code.describe_sites(types, blocks, snapshot);

  native::find_requested_sizes(image, blocks, types, snapshot);
  const native::Doubts doubts(image, blocks, types);
  native::KnownMemory known(native::memory_of_unknown_use(image, heap));
  native::LeftOutWords left_out = native::make_references(job, image, heap, blocks, types, doubts, known);
  if (job.progress) job.progress("roots", 0, 0);
  const std::vector<native::ThreadMemory> memory = native::find_thread_memory(*process);
  native::make_roots(image, heap, blocks, {types, doubts, known, stacks, memory, &names, runtime_blocks}, snapshot);
  native::make_mappings(*process, heap, snapshot);
  native::find_stale_words(*process, memory, blocks, snapshot);
  code.describe_code(stacks, snapshot);
  native::find_shared_lines(*process, blocks, types, code, stacks, snapshot);
  native::join_memory_samples(job.options.memory_samples, *process, blocks, types, code, snapshot);
  if (job.progress) job.progress("layouts", 0, 0);
  native::describe_type_layouts(catalog, image, blocks, types, heap.is_glibc(), snapshot);
  native::describe_used_fields(image, blocks, snapshot);
  snapshot.length.freeze(snapshot.object_count);
  snapshot.make_texts_valid();
  if (job.details != nullptr) {
    *job.details =
        std::make_unique<native::NativeDetails>(std::shared_ptr<const ProcessImage>(process, &process->image),
                                                heap.metadata(), types, std::move(left_out), snapshot);
  }
}

std::vector<std::pair<std::string, std::string>> describe_core(formats::Bytes head) {
  std::vector<std::pair<std::string, std::string>> facts{{"kind", formats::elf::describe(head)}};
  try {
    formats::DamageLog beyond_the_head;
    const formats::elf::Core core = formats::elf::read_core(head, beyond_the_head);
    facts.emplace_back("program", core.program);
    facts.emplace_back("arguments", core.arguments);
    facts.emplace_back("process_id", std::to_string(core.process_id));
    if (core.signal) facts.emplace_back("signal", signal_text(*core.signal));
    facts.emplace_back("threads", std::to_string(core.threads.size()));
    facts.emplace_back("segments", std::to_string(core.segments.size()));
    facts.emplace_back("mapped_files", std::to_string(core.files.size()));
    std::uint64_t end = 0;
    for (const formats::elf::Segment& segment : core.segments)
      end = std::max(end, segment.file_offset + segment.dumped);
    facts.emplace_back(whole_size, std::to_string(end));
  } catch (const formats::InputError& error) {
    facts.emplace_back(cannot_be_read, error.what());
  }
  std::string scratch;
  for (auto& [name, value] : facts) value = std::string(queries::valid_utf8(value, scratch));
  return facts;
}

}  // namespace importers
