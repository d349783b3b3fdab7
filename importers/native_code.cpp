#include "importers/native_code.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "formats/machine_code_cache.h"
#include "importers/native_usable_sizes.h"
#include "importers/native_vtables.h"

namespace importers::native {
namespace {

namespace code = formats::machine_code;
using formats::Module;
using queries::ClassId;
using queries::ObjectId;
using queries::Snapshot;

constexpr std::uint64_t most_code = 32 << 20;  // bytes that are read without being asked for
constexpr int deepest_inheritance = 32;
constexpr std::size_t most_sites = 50'000;  // rows

std::string hex(std::uint64_t value) {
  std::array<char, 20> text{};
  std::snprintf(text.data(), text.size(), "0x%llx", static_cast<unsigned long long>(value));
  return text.data();
}

std::uint64_t code_bytes(const Module& module) {
  std::uint64_t bytes = 0;
  for (const formats::LoadHeader& load : module.file->headers().loads) bytes += load.executable ? load.file_size : 0;
  return bytes;
}

bool is_distribution_file(const std::string& path) {
  constexpr std::array<std::string_view, 6> folders{"/lib/",     "/lib64/",     "/lib32/",
                                                    "/usr/lib/", "/usr/lib64/", "/usr/lib32/"};
  return std::any_of(folders.begin(), folders.end(), [&](std::string_view one) { return path.rfind(one, 0) == 0; });
}

/// Whether a type of that evidence is a class by its own name.
bool is_class(Evidence evidence) { return evidence == Evidence::vtable || evidence == Evidence::debug_info; }

/// Whether the class of type_info `info` derives from that of `base` (Itanium C++ ABI 2.9.5).
bool derives(const formats::ProcessImage& image, std::uint64_t info, std::uint64_t base, int depth = 0) {
  if (info == base) return true;
  if (depth == deepest_inheritance) return false;
  // __si_class_type_info has its one base behind the name; __vmi_class_type_info flags and count, then the bases. The
  // first base is followed: the one at offset 0, whose vtable shares the object's first word.
  const auto first = image.word(info + 16);
  if (!first) return false;
  const bool is_pointer = *first > 0xFFFF'FFFF'FFFFu ? false : image.find(*first) != nullptr && *first > 0x10000;
  const auto next = is_pointer ? first : image.word(info + 24);
  return next && image.find(*next) != nullptr && derives(image, *next, base, depth + 1);
}

}  // namespace

NativeCode::NativeCode(const Process& process, const NativeHeap& heap, const ImportOptions& options)
    : process_(process), names_(process.symbols) {
  is_glibc_ = heap.is_glibc();
  if (options.code == CodeModules::none || process.core.machine != formats::elf::Machine::x86_64) return;
  std::vector<const Module*> order;  // the program first: it may use up what is read unasked
  for (const Module& module : process.modules.all()) order.push_back(&module);
  std::stable_sort(order.begin(), order.end(),
                   [](const Module* a, const Module* b) { return a->is_program > b->is_program; });
  for (const Module* module : order) {
    if (is_wanted(*module, options.code)) read(*module, options);
  }
  std::sort(modules_.begin(), modules_.end(),
            [](const Analysed& a, const Analysed& b) { return a.module->base < b.module->base; });
}

bool NativeCode::is_wanted(const Module& module, CodeModules which) {
  if (!module.file || module.status != formats::ModuleStatus::found) return false;
  if (which == CodeModules::all) return true;
  if (!module.is_program && is_distribution_file(module.path)) return false;
  const std::uint64_t bytes = code_bytes(module);
  if (bytes <= most_code - std::min(bytes_read_, most_code)) return true;
  notes_.emplace_back("code." + module.path,
                      "not read: " + std::to_string(bytes) + " bytes of code (--code=all reads it)");
  return false;
}

void NativeCode::read(const Module& module, const ImportOptions& options) {
  bytes_read_ += code_bytes(module);
  Analysed analysed;
  analysed.module = &module;
  const code::CodeCache cache(options.code_cache);
  std::optional<formats::ModuleFile> debug;
  if (!module.debug_path.empty()) {
    debug = formats::ModuleFile::open("", module.debug_path, formats::ModuleFile::Kind::debug_file);
  }
  const std::string key = module.build_id + (debug ? "dd" : "");  // functions end elsewhere without its symbols
  if (auto known = cache.load(key)) {
    analysed.code = std::move(*known);
    analysed.from_cache = true;
  } else {
    const code::CodeFile file(module.file->bytes(), debug ? debug->bytes() : formats::Bytes{});
    analysed.code = code::analyse_code(file);
    cache.store(key, analysed.code);
  }
  notes_.emplace_back("code." + module.path, std::to_string(analysed.code.instruction_count) + " instructions, " +
                                                 std::to_string(analysed.code.undecodable_bytes) + " bytes in none");
  modules_.push_back(std::move(analysed));
}

std::uint64_t NativeCode::address_of(const Analysed& from, const code::StoredAddress& at) const {
  const std::uint64_t address = from.module->bias + at.address;
  if (!at.is_loaded) return address;
  const auto word = process_.image.word(address);
  return word ? *word + static_cast<std::uint64_t>(std::int64_t{at.addend}) : 0;
}

std::string NativeCode::class_of(const Analysed& from, const Site& site) const {
  VtableNames vtables(process_.image, &names_);
  std::string name;
  std::uint64_t info = 0;
  for (std::size_t i = site.first_vtable; i < std::size_t{site.first_vtable} + site.vtable_count; ++i) {
    const std::uint64_t vtable = address_of(from, from.code.vtables[i]);
    const std::string& one = vtable == 0 ? name : vtables.name_at(vtable);
    if (vtable == 0 || one.empty()) continue;
    const std::uint64_t its = process_.image.word(vtable - 8).value_or(0);
    // Constructors store the bases' first; a base that comes after its derived class is an inlined destructor's.
    if (!name.empty() && info != 0 && its != 0 && derives(process_.image, info, its)) continue;
    name = one;
    info = its;
  }
  return name;
}

std::optional<NativeCode::FunctionAt> NativeCode::function_at(std::uint64_t address) const {
  for (std::uint32_t i = 0; i < modules_.size(); ++i) {
    const formats::Module& module = *modules_[i].module;
    if (address < module.base || address >= module.end) continue;
    const auto& all = modules_[i].code.functions;
    const std::uint64_t offset = address - module.bias;
    const auto next = std::upper_bound(all.begin(), all.end(), offset,
                                       [](std::uint64_t at, const code::Function& one) { return at < one.start; });
    if (next == all.begin() || offset >= std::prev(next)->end) return std::nullopt;
    return FunctionAt{i, static_cast<std::uint32_t>(next - all.begin() - 1)};
  }
  return std::nullopt;
}

namespace {

/// The records of one function, which lie side by side.
template <typename R>
std::span<const R> of_function(const std::vector<R>& all, std::uint32_t function) {
  const auto first =
      std::partition_point(all.begin(), all.end(), [&](const R& one) { return one.function < function; });
  const auto end = std::partition_point(first, all.end(), [&](const R& one) { return one.function == function; });
  return {first, end};
}

}  // namespace

std::span<const code::FieldAccess> NativeCode::field_uses(FunctionAt at) const {
  return of_function(modules_[at.module].code.fields, at.function);
}

std::span<const code::CodeReference> NativeCode::references(FunctionAt at) const {
  return of_function(modules_[at.module].code.references, at.function);
}

std::span<const code::Call> NativeCode::calls(FunctionAt at) const {
  return of_function(modules_[at.module].code.calls, at.function);
}

std::uint64_t NativeCode::target_of(const Analysed& from, const code::CodeReference& one) const {
  const std::uint64_t target = from.module->bias + one.target;
  if (one.via != code::CodeReference::Via::contents) return target;
  const auto word = process_.image.word(target);
  return word ? *word + static_cast<std::uint64_t>(std::int64_t{one.addend}) : 0;
}

std::uint64_t NativeCode::target_of(FunctionAt at, const code::CodeReference& reference) const {
  return target_of(modules_[at.module], reference);
}

bool NativeCode::fits(std::uint64_t size, std::uint64_t usable) const {
  if (is_glibc_) {
    // Blocks with a mapping of their own are whole pages; a remainder too small for a chunk stays with its block.
    const std::uint64_t exact = glibc_usable(size);
    return usable == exact || usable == exact + 16 || (size >= 64 << 10 && usable > exact && usable - exact < 8192);
  }
  return usable >= size && usable - size <= std::max<std::uint64_t>(16, size / 4);
}

std::string NativeCode::variable_at(std::uint64_t address) const {
  std::string name = place_name(address);
  const auto symbol = process_.symbols.find(address);
  if (!symbol || symbol->address == address) return name;
  char offset[24];
  std::snprintf(offset, sizeof offset, "+0x%llx", static_cast<unsigned long long>(address - symbol->address));
  return name + offset;
}

std::string NativeCode::place_name(std::uint64_t address) const {
  if (std::string name = names_.symbol(address); !name.empty()) return name;
  const Module* module = process_.modules.find(address);
  return module == nullptr ? hex(address) : module->name() + "+" + hex(address - module->base);
}

std::string NativeCode::function_name(const Analysed& from, std::uint32_t function) const {
  return place_name(from.module->bias + from.code.functions[function].start);
}

std::uint64_t NativeCode::type_blocks(TypedBlocks& typed, const Blocks& blocks) const {
  if (!is_glibc_) return 0;
  struct Asks {
    const Analysed* from = nullptr;
    const Site* site = nullptr;
    bool is_unique = true;
  };
  std::unordered_map<std::uint64_t, Asks> by_usable;
  for (const Analysed& from : modules_) {
    for (const Site& site : from.code.sites) {
      if (site.size == 0) continue;
      const auto [at, is_new] = by_usable.try_emplace(glibc_usable(site.size), Asks{&from, &site, true});
      if (!is_new) at->second.is_unique = false;
    }
  }
  std::unordered_map<std::string, std::uint32_t> numbers;
  for (std::uint32_t i = 0; i < typed.types.size(); ++i) numbers.emplace(typed.types[i].name, i);
  std::unordered_map<std::uint64_t, std::uint32_t> type_of_usable;
  std::uint64_t count = 0;
  for (std::uint32_t i = 0; i < blocks.count(); ++i) {
    const ObjectId id{i};
    if (typed.types[typed.type_of[i]].evidence != Evidence::size_class) continue;
    const auto asks = by_usable.find(blocks.usable(id));
    if (asks == by_usable.end() || !asks->second.is_unique || asks->second.site->vtable_count != 0) continue;
    const auto [type, is_new] = type_of_usable.try_emplace(blocks.usable(id), 0);
    if (is_new) {
      const std::string name = "allocated by " + function_name(*asks->second.from, asks->second.site->function) + " (" +
                               std::to_string(asks->second.site->size) + " bytes)";
      const auto [number, is_new_name] = numbers.emplace(name, static_cast<std::uint32_t>(typed.types.size()));
      if (is_new_name) typed.types.push_back({name, Evidence::allocation_site, name});
      type->second = number->second;
    }
    typed.type_of[i] = type->second;
    ++count;
  }
  return count;
}

void NativeCode::describe_sites(const TypedBlocks& typed, const Blocks& blocks, Snapshot& snapshot) const {
  std::unordered_map<std::string, std::uint32_t> class_ids;
  for (std::uint32_t i = 0; i < snapshot.classes.size(); ++i) class_ids.emplace(snapshot.classes[i].name, i);

  // Sizes that code allocates each class of the heap with.
  std::unordered_map<std::uint32_t, std::vector<std::uint64_t>> sizes;
  for (const Analysed& from : modules_) {
    for (const Site& site : from.code.sites) {
      queries::AllocationSiteCodeRow row;
      const std::string name = site.vtable_count == 0 ? std::string() : class_of(from, site);
      const auto known = class_ids.find(name);
      if (!name.empty() && known != class_ids.end() && is_class(typed.types[known->second].evidence)) {
        row.class_id = ClassId{known->second};
        if (site.size != 0) sizes[known->second].push_back(site.size);
      }
      if (snapshot.code.sites.size() >= most_sites) continue;
      row.module = snapshot.code.text(from.module->name());
      row.function = snapshot.code.text(function_name(from, site.function));
      row.allocator = snapshot.code.text(code::allocator_names[site.allocator]);
      row.address = from.module->bias + site.instruction;
      row.size = site.size;
      snapshot.code.sites.push_back(row);
    }
  }
  std::unordered_map<std::uint32_t, std::uint64_t> disagreeing;
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint64_t> agreeing;  // by class and size
  std::uint64_t agreements = 0;
  std::uint64_t disagreements = 0;
  for (auto& [type, all] : sizes) {
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
  }
  for (std::uint32_t i = 0; i < blocks.count(); ++i) {
    const auto known = sizes.find(typed.type_of[i]);
    if (known == sizes.end()) continue;
    const std::uint64_t usable = blocks.usable(ObjectId{i});
    const auto size =
        std::find_if(known->second.begin(), known->second.end(), [&](std::uint64_t one) { return fits(one, usable); });
    if (size == known->second.end()) {
      ++disagreements;
      ++disagreeing[known->first];
    } else {
      ++agreements;
      ++agreeing[{known->first, *size}];
    }
  }
  for (const auto& [type, all] : sizes) {
    if (all.size() == 1 && disagreeing.count(type) == 0) snapshot.classes[type].requested_size = all.front();
  }
  for (queries::AllocationSiteCodeRow& row : snapshot.code.sites) {
    const auto found = agreeing.find({index(row.class_id), row.size});
    if (row.class_id != queries::no_class && found != agreeing.end()) row.block_count = found->second;
  }
  if (empty()) return;
  snapshot.meta.emplace_back("code.blocks_confirmed", std::to_string(agreements));
  snapshot.meta.emplace_back("code.blocks_of_another_size", std::to_string(disagreements));
}

}  // namespace importers::native
