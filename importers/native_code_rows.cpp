// Rows of code_reference, field_access, stride_loop, code_function and instruction.
#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <span>
#include <tuple>
#include <unordered_set>

#include "formats/machine_code_decoder.h"
#include "importers/native_code.h"
#include "importers/native_vtables.h"

namespace importers::native {
namespace {

namespace code = formats::machine_code;
using queries::CodeReferenceRow;
using queries::FieldAccessRow;
using queries::RootKind;
using queries::Snapshot;

constexpr std::size_t most_references = 100'000;  // rows
constexpr std::size_t most_fields = 100'000;
constexpr std::size_t most_loops = 20'000;
constexpr std::size_t most_functions = 2000;
constexpr std::size_t most_instructions = 60'000;
constexpr std::uint64_t largest_function = 64 << 10;
constexpr std::size_t most_slots = 512;           // of a vtable
constexpr std::uint64_t largest_class = 1 << 20;  // of which no object is in the heap

/// Names of variables that hold blocks.
std::unordered_set<std::string> root_names(const Snapshot& snapshot) {
  std::unordered_set<std::string> names;
  for (const queries::RootRow& root : snapshot.roots) {
    if (root.kind == RootKind::static_data && root.name != queries::no_name) {
      names.insert(snapshot.names[index(root.name)]);
    }
  }
  return names;
}

/// "acme::Session::accept(int) const" → "acme::Session" and "accept"; "" for what is in no scope. Template arguments
/// and parameters may hold anything.
struct ScopedName {
  std::string scope;
  std::string name;
  bool is_const = false;
};
ScopedName scoped(const std::string& full) {
  ScopedName found;
  int depth = 0;
  std::size_t end = full.size();
  std::size_t last = std::string::npos;
  for (std::size_t i = 0; i < full.size(); ++i) {
    const char c = full[i];
    if (c == '<') ++depth;
    if (c == '>' && i > 0 && full[i - 1] != '-') --depth;
    if (depth != 0) continue;
    if (c == '(') {
      if (full.compare(i, 21, "(anonymous namespace)") == 0) {
        i += 20;
        continue;
      }
      end = i;
      break;
    }
    if (c == ' ') return {};  // a return type: of a template function, which names rarely are methods of
    if (c == ':' && i + 1 < full.size() && full[i + 1] == ':') last = i;
  }
  if (last == std::string::npos || last >= end) return {};
  found.scope = full.substr(0, last);
  found.name = full.substr(last + 2, end - last - 2);
  found.is_const = full.find(") const") != std::string::npos;
  return found;
}

/// The last part of a scope, without template arguments: what constructors are called.
std::string own_name(const std::string& scope) {
  const std::string plain = scope.substr(0, scope.find('<'));
  const std::size_t at = plain.rfind("::");
  return at == std::string::npos ? plain : plain.substr(at + 2);
}

}  // namespace

void NativeCode::describe_code(const std::vector<formats::CallStack>& stacks, Snapshot& snapshot) const {
  for (const auto& note : notes_) snapshot.meta.push_back(note);
  if (empty()) return;
  describe_references(snapshot);
  describe_fields(snapshot);
  describe_loops(snapshot);
  describe_functions(stacks, snapshot);
}

void NativeCode::describe_references(Snapshot& snapshot) const {
  struct Found {
    std::uint64_t target;
    std::uint64_t function;  // its start
    std::uint64_t address;
    code::Access access;
    const Analysed* from;
    std::uint32_t index;
  };
  std::vector<Found> found;
  for (const Analysed& from : modules_) {
    for (const code::CodeReference& one : from.code.references) {
      const std::uint64_t target = target_of(from, one);
      if (target == 0) continue;
      const formats::ProcessImage::Range* range = process_.image.find(target);
      if (range == nullptr || !range->writable || process_.modules.find(target) == nullptr) continue;
      found.push_back({target, from.module->bias + from.code.functions[one.function].start,
                       from.module->bias + one.instruction, one.access, &from, one.function});
    }
  }
  const auto key = [](const Found& one) { return std::tuple(one.target, one.function, one.access); };
  std::stable_sort(found.begin(), found.end(), [&](const Found& a, const Found& b) {
    return std::tuple(key(a), a.address) < std::tuple(key(b), b.address);
  });
  found.erase(std::unique(found.begin(), found.end(), [&](const Found& a, const Found& b) { return key(a) == key(b); }),
              found.end());

  const std::unordered_set<std::string> roots = root_names(snapshot);
  std::unordered_map<std::uint64_t, std::uint32_t> functions;
  std::vector<CodeReferenceRow> others;
  std::uint64_t target = 0;
  std::string symbol;
  for (const Found& one : found) {
    if (one.target != target || symbol.empty()) symbol = place_name(one.target);
    target = one.target;
    const bool is_root = roots.count(symbol) != 0;
    std::vector<CodeReferenceRow>& rows = is_root ? snapshot.code.references : others;
    if (rows.size() >= most_references) continue;
    const auto [name, is_new] = functions.try_emplace(one.function, 0);
    if (is_new) name->second = snapshot.code.text(function_name(*one.from, one.index));
    CodeReferenceRow row;
    row.module = snapshot.code.text(one.from->module->name());
    row.function = name->second;
    row.symbol = snapshot.code.text(symbol);
    row.access = snapshot.code.text(code::to_text(one.access));
    row.address = one.address;
    row.target = one.target;
    rows.push_back(row);
  }
  auto& rows = snapshot.code.references;
  others.resize(std::min(others.size(), most_references - rows.size()));
  rows.insert(rows.end(), others.begin(), others.end());
  std::stable_sort(rows.begin(), rows.end(), [](const CodeReferenceRow& a, const CodeReferenceRow& b) {
    return std::tuple(a.target, a.address) < std::tuple(b.target, b.address);
  });
}

/// Functions in the vtables of classes that the heap has: who calls them has an object of the class in rdi.
std::unordered_map<std::uint64_t, std::vector<std::string>> NativeCode::virtual_functions() const {
  std::unordered_map<std::uint64_t, std::vector<std::string>> classes;
  VtableNames vtables(process_.image, &names_);
  std::set<std::uint64_t> seen;
  for (const Analysed& from : modules_) {
    for (const code::StoredAddress& stored : from.code.vtables) {
      const std::uint64_t vtable = address_of(from, stored);
      if (vtable == 0 || !seen.insert(vtable).second) continue;
      const std::string name = vtables.name_at(vtable);
      if (name.empty()) continue;
      for (std::size_t slot = 0; slot < most_slots; ++slot) {
        const auto function = process_.image.word(vtable + 8 * slot);
        if (!function) break;
        const formats::ProcessImage::Range* range = process_.image.find(*function);
        if (range == nullptr || !range->executable) break;
        classes[*function].push_back(name);
      }
    }
  }
  return classes;
}

struct NativeCode::Method {
  const Analysed* from = nullptr;
  std::uint32_t function = 0;
  ScopedName name;
  std::span<const code::FieldAccess> uses;

  [[nodiscard]] std::uint64_t start() const { return from->module->bias + from->code.functions[function].start; }
  /// Whether its first argument can be an object of `size` bytes. A use before or beyond shows that it is something
  /// else (of a static method, or a result that is returned in memory), and then none of its uses are of the class.
  [[nodiscard]] bool fits(std::uint64_t size) const {
    return std::all_of(uses.begin(), uses.end(), [&](const code::FieldAccess& one) {
      return one.offset >= 0 && static_cast<std::uint64_t>(one.offset) + one.size <= size;
    });
  }
};

std::vector<NativeCode::Method> NativeCode::methods() const {
  std::vector<Method> found;
  for (const Analysed& from : modules_) {
    const std::span<const code::FieldAccess> all(from.code.fields);
    for (std::size_t first = 0, end = 0; first < all.size(); first = end) {
      while (end < all.size() && all[end].function == all[first].function) ++end;
      const std::uint32_t function = all[first].function;
      found.push_back({&from, function, scoped(function_name(from, function)), all.subspan(first, end - first)});
    }
  }
  return found;
}

namespace {

/// How far objects of the heap's classes reach: what was asked for, else the largest block.
std::unordered_map<std::string, std::uint64_t> class_sizes(const Snapshot& snapshot) {
  std::vector<std::uint64_t> largest(snapshot.classes.size());
  for (std::uint32_t i = 0; i < snapshot.object_count; ++i) {
    std::uint64_t& size = largest[index(snapshot.class_of[queries::ObjectId{i}])];
    size = std::max<std::uint64_t>(size, snapshot.shallow[queries::ObjectId{i}]);
  }
  std::unordered_map<std::string, std::uint64_t> sizes;
  for (std::size_t i = 0; i < snapshot.classes.size(); ++i) {
    const queries::ClassRow& row = snapshot.classes[i];
    sizes[row.name] = row.requested_size != 0 ? row.requested_size : largest[i];
  }
  return sizes;
}

void sort_fields(queries::CodeRows& rows) {
  const auto& texts = rows.texts;
  std::stable_sort(rows.fields.begin(), rows.fields.end(), [&](const FieldAccessRow& a, const FieldAccessRow& b) {
    if (a.class_name != b.class_name) return texts[a.class_name] < texts[b.class_name];
    if (a.offset != b.offset) return a.offset < b.offset;
    if (a.size != b.size) return a.size < b.size;
    if (a.access != b.access) return texts[a.access] < texts[b.access];
    return texts[a.function] < texts[b.function];
  });
}

}  // namespace

void NativeCode::describe_fields(Snapshot& snapshot) const {
  const std::unordered_map<std::string, std::uint64_t> sizes = class_sizes(snapshot);
  const auto of_slots = virtual_functions();
  const std::vector<Method> all = methods();
  // A scope is a class, not a namespace, when it has a constructor, a destructor or a const method, or is in the heap.
  std::unordered_set<std::string> is_class;
  for (const Method& method : all) {
    const std::string own = own_name(method.name.scope);
    if (method.name.is_const || method.name.name == own || method.name.name == "~" + own) {
      is_class.insert(method.name.scope);
    }
  }
  for (const Method& method : all) {
    std::set<std::string> classes;
    const std::string plain = readable_class(method.name.scope);
    if (!method.name.scope.empty() && (is_class.count(method.name.scope) != 0 || sizes.count(plain) != 0)) {
      classes.insert(plain);
    } else if (const auto slot = of_slots.find(method.start()); slot != of_slots.end()) {
      classes.insert(slot->second.begin(), slot->second.end());
    }
    for (const std::string& name : classes) {
      const auto size = sizes.find(name);
      if (!method.fits(size == sizes.end() ? largest_class : size->second)) continue;
      const std::uint32_t function = snapshot.code.text(function_name(*method.from, method.function));
      for (const code::FieldAccess& use : method.uses) {
        if (snapshot.code.fields.size() >= most_fields) break;
        FieldAccessRow row;
        row.class_name = snapshot.code.text(name);
        row.access = snapshot.code.text(code::to_text(use.access));
        row.function = function;
        row.offset = static_cast<std::uint32_t>(use.offset);
        row.size = use.size;
        row.loop_depth = use.loop_depth;
        row.count = use.count;
        row.is_locked = use.is_locked;
        snapshot.code.fields.push_back(row);
      }
    }
  }
  sort_fields(snapshot.code);
}

void NativeCode::describe_loops(Snapshot& snapshot) const {
  for (const Analysed& from : modules_) {
    for (const code::StrideLoop& loop : from.code.loops) {
      if (snapshot.code.loops.size() >= most_loops) return;
      if (loop.stride <= 8) continue;  // arrays of numbers and pointers: nothing to lay out
      queries::StrideLoopRow row;
      row.module = snapshot.code.text(from.module->name());
      row.function = snapshot.code.text(function_name(from, loop.function));
      row.address = from.module->bias + loop.start;
      row.stride = loop.stride;
      row.touched_bytes = loop.touched;
      row.depth = loop.depth;
      row.writes = loop.writes;
      row.is_vectorised = loop.is_vectorised;
      snapshot.code.loops.push_back(row);
    }
  }
}

namespace {

/// "6 of 6 …": return addresses of the call stacks that are behind a call, of those whose code is at hand. One that is
/// not shows a stack that was not unwound as it is.
std::string check_return_addresses(const formats::ProcessImage& image, const std::vector<formats::CallStack>& stacks,
                                   code::Decoder& decoder) {
  std::size_t checked = 0;
  std::size_t behind_calls = 0;
  for (const formats::CallStack& stack : stacks) {
    bool is_return = false;  // not the innermost, nor what a signal interrupted
    for (const formats::Frame& frame : stack.frames) {
      if (frame.is_inlined) continue;
      std::array<std::byte, 7> before{};
      if (is_return && !frame.is_signal_frame &&
          image.read(frame.program_counter - before.size(), before.data(), before.size())) {
        ++checked;
        behind_calls += decoder.ends_with_call(before) ? 1 : 0;
      }
      is_return = !frame.is_signal_frame;
    }
  }
  return std::to_string(behind_calls) + " of " + std::to_string(checked) + " in the call stacks are behind a call";
}

/// Addresses in functions whose instructions are worth keeping, most telling first.
std::vector<std::uint64_t> telling_addresses(const std::vector<formats::CallStack>& stacks, const Snapshot& snapshot) {
  std::vector<std::uint64_t> addresses;
  for (const formats::CallStack& stack : stacks) {
    for (const formats::Frame& frame : stack.frames) addresses.push_back(frame.program_counter);
  }
  for (const queries::AllocationSiteCodeRow& site : snapshot.code.sites) {
    if (site.block_count != 0) addresses.push_back(site.address);
  }
  const std::unordered_set<std::string> roots = root_names(snapshot);
  for (const CodeReferenceRow& row : snapshot.code.references) {
    if (roots.count(snapshot.code.texts[row.symbol]) != 0) addresses.push_back(row.address);
  }
  return addresses;
}

}  // namespace

queries::CodeFunctionRow NativeCode::function_around(std::uint64_t address) const {
  queries::CodeFunctionRow row;
  if (const auto symbol = process_.symbols.find(address); symbol && symbol->size != 0) {
    row.address = symbol->address;
    row.size = symbol->size;
    return row;
  }
  for (const Analysed& from : modules_) {
    if (address < from.module->base || address >= from.module->end) continue;
    const auto& all = from.code.functions;
    const std::uint64_t offset = address - from.module->bias;
    const auto next = std::upper_bound(all.begin(), all.end(), offset,
                                       [](std::uint64_t at, const code::Function& one) { return at < one.start; });
    if (next == all.begin() || offset >= std::prev(next)->end) break;
    row.address = from.module->bias + std::prev(next)->start;
    row.size = std::prev(next)->size();
  }
  return row;
}

void NativeCode::describe_functions(const std::vector<formats::CallStack>& stacks, Snapshot& snapshot) const {
  code::Decoder decoder;
  snapshot.meta.emplace_back("code.return_addresses", check_return_addresses(process_.image, stacks, decoder));
  std::map<std::uint64_t, queries::CodeFunctionRow> functions;
  std::uint64_t bytes = 0;
  for (const std::uint64_t address : telling_addresses(stacks, snapshot)) {
    if (functions.size() >= most_functions || bytes >= 4 * most_instructions) break;
    const formats::Module* module = process_.modules.find(address);
    queries::CodeFunctionRow row = function_around(address);
    if (module == nullptr || row.size == 0 || row.size > largest_function) continue;
    if (process_.image.at(row.address).size() < row.size) continue;
    const auto after = functions.lower_bound(row.address);  // symbols can overlap
    if (after != functions.end() && after->first < row.address + row.size) continue;
    if (after != functions.begin() && std::prev(after)->first + std::prev(after)->second.size > row.address) continue;
    row.module = snapshot.code.text(module->name());
    row.function = snapshot.code.text(place_name(row.address));
    functions.emplace(row.address, row);
    bytes += row.size;
  }
  for (const auto& [start, row] : functions) {
    const formats::Bytes body = process_.image.at(start).first(static_cast<std::size_t>(row.size));
    for (code::InstructionText& text : decoder.to_text(body, start, most_instructions)) {
      snapshot.code.instructions.push_back({text.address, std::move(text.bytes), std::move(text.text)});
    }
    snapshot.code.functions.push_back(row);
  }
}

}  // namespace importers::native
