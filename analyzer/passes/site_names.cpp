#include "analyzer/passes/site_names.h"

#include <algorithm>
#include <array>
#include <vector>

namespace analyzer {
namespace {

using queries::SiteFrame;
using queries::SiteId;
using queries::SiteTree;

// Whole names, before any parameter list.
constexpr std::array allocator_names{"malloc",
                                     "calloc",
                                     "realloc",
                                     "reallocarray",
                                     "memalign",
                                     "aligned_alloc",
                                     "valloc",
                                     "pvalloc",
                                     "free",
                                     "posix_memalign",
                                     "_int_malloc",
                                     "_int_realloc",
                                     "_int_memalign",
                                     "__libc_malloc",
                                     "__libc_calloc",
                                     "__libc_realloc",
                                     "__libc_memalign",
                                     "malloc_hook_ini",
                                     "realloc_hook_ini",
                                     "memalign_hook_ini",
                                     "sysmalloc",
                                     "tcache_init",
                                     "__rust_alloc",
                                     "__rust_realloc",
                                     "__rust_alloc_zeroed",
                                     "__rdl_alloc",
                                     "__rdl_realloc",
                                     "__rg_alloc",
                                     "runtime.mallocgc",
                                     "runtime.newobject",
                                     "runtime.makeslice",
                                     "runtime.growslice",
                                     "runtime.rawstring",
                                     "runtime.rawbyteslice",
                                     "PyMem_Malloc",
                                     "PyMem_RawMalloc",
                                     "PyObject_Malloc",
                                     "_PyObject_Malloc",
                                     "_PyMem_RawMalloc",
                                     "do_memalign",
                                     "do_malloc",
                                     "mi_malloc",
                                     "mi_calloc",
                                     "mi_realloc",
                                     "je_malloc",
                                     "je_calloc",
                                     "je_realloc",
                                     "tc_malloc",
                                     "tc_calloc",
                                     "tc_realloc",
                                     "tc_new",
                                     "tc_newarray",
                                     "g_malloc",
                                     "g_malloc0",
                                     "g_realloc",
                                     "g_try_malloc",
                                     "g_malloc_n",
                                     "g_slice_alloc"};

// Beginnings, whatever follows: template parameters, parameters, members.
constexpr std::array allocator_prefixes{"operator new",
                                        "new ",  // of a JVM: what is allocated, "new byte[]"
                                        "__interceptor_",
                                        "__gnu_cxx::new_allocator<",
                                        "__gnu_cxx::malloc_allocator<",
                                        "std::__new_allocator<",
                                        "std::allocator<",
                                        "std::allocator_traits<",
                                        "__gnu_cxx::__alloc_traits<",
                                        "std::__allocate_",
                                        "std::pmr::",
                                        "std::__detail::_Hashtable_alloc<",
                                        "alloc::alloc::",
                                        "alloc::raw_vec::",
                                        "<alloc::raw_vec::",
                                        "<alloc::alloc::",
                                        "std::alloc::",
                                        "__rust_",
                                        "tcmalloc::",
                                        "je_arena_",
                                        "std::__1::__libcpp_allocate",
                                        "std::__1::allocator<",
                                        "std::__1::allocator_traits<",
                                        "std::__1::__allocate_",
                                        "void* std::__1::__libcpp_"};

// Members of the standard library's containers that make room and nothing else.
constexpr std::array allocator_members{"::_M_allocate",     "::_M_allocate_node", "::_M_create_storage",
                                       "::_M_get_node",     "::_M_create_node",   "::_M_allocate_buckets",
                                       "::_M_allocate_map", "::_M_create",        "::_M_allocate_and_copy"};

/// The end of the balanced group that opens at `at`, or npos.
std::size_t closing(std::string_view text, std::size_t at, char open, char close) {
  std::size_t depth = 0;
  for (std::size_t i = at; i < text.size(); ++i) {
    if (text[i] == open) ++depth;
    if (text[i] == close && i > 0 && text[i - 1] != '-' && --depth == 0) return i;
  }
  return std::string_view::npos;
}

/// Of a JVM's "<init>" or "<clinit>" in front of `text`: how long it is, else 0.
std::size_t java_initializer(std::string_view text) {
  for (const std::string_view name : {std::string_view("<init>"), std::string_view("<clinit>")}) {
    if (text.starts_with(name)) return name.size();
  }
  return 0;
}

/// Whether the '<' at `at` belongs to operator<, operator<<, operator<=, operator<=>.
bool is_operator(std::string_view text, std::size_t at) {
  std::size_t begin = at;
  while (begin > 0 && text[begin - 1] == '<') --begin;
  return text.substr(0, begin).ends_with("operator");
}

}  // namespace

bool is_allocator_function(std::string_view function) {
  if (function.empty()) return false;
  for (const std::string_view prefix : allocator_prefixes) {
    if (function.starts_with(prefix)) return true;
  }
  const std::string_view name = without_parameters(function);
  if (std::find(allocator_names.begin(), allocator_names.end(), name) != allocator_names.end()) return true;
  if (name.find("std::") == std::string_view::npos) return false;
  return std::any_of(allocator_members.begin(), allocator_members.end(),
                     [&](std::string_view member) { return name.ends_with(member); });
}

SiteId naming_site(const SiteTree& sites, SiteId leaf) {
  for (SiteId at = leaf; at != queries::no_site; at = sites[at].parent) {
    if (!is_allocator_function(sites.text(sites[at].function))) return at;
  }
  return leaf;
}

void name_sites(queries::AllocationProfile& profile) {
  const SiteTree& sites = profile.sites;
  std::vector<bool> allocates(sites.frame_count());
  for (std::uint32_t i = 0; i < allocates.size(); ++i) {
    allocates[i] = is_allocator_function(sites.text(sites.frame_row(i).function));
  }
  profile.naming.resize(sites.size());
  std::vector<bool> has_name(sites.size());           // some frame of the path is no allocator
  for (std::uint32_t i = 0; i < sites.size(); ++i) {  // callers come first
    const SiteId caller = sites.caller(SiteId{i});
    const bool is_allocator = allocates[sites.frame_of(SiteId{i})];
    const bool inherits = is_allocator && caller != queries::no_site && has_name[index(caller)];
    profile.naming[i] = inherits ? profile.naming[index(caller)] : SiteId{i};
    has_name[i] = inherits || !is_allocator;
  }
}

std::string shorten_templates(std::string_view function) {
  std::string out;
  std::size_t at = 0;
  if (function.starts_with('<')) {  // "<module>", "<T as Trait>::f": the outer pair says what it is
    const std::size_t end = closing(function, 0, '<', '>');
    if (end == std::string_view::npos) return std::string(function);
    out = function.substr(0, end + 1);
    at = end + 1;
  }
  while (at < function.size()) {
    if (function[at] == '<') {
      if (const std::size_t size = java_initializer(function.substr(at)); size != 0) {
        out += function.substr(at, size);
        at += size;
        continue;
      }
      if (is_operator(function, at)) {
        out += function[at++];
        continue;
      }
      const std::size_t end = closing(function, at, '<', '>');
      if (end == std::string_view::npos) return out + std::string(function.substr(at));
      out += "<>";
      at = end + 1;
    } else {
      out += function[at++];
    }
  }
  return out;
}

std::string_view without_parameters(std::string_view function) {
  std::size_t depth = 0;  // of template brackets: "f<void (int)>(long)"
  for (std::size_t i = 0; i < function.size(); ++i) {
    if (function[i] == '{') return function;  // a lambda: its parameters tell it from others
    if (function[i] == '<' && !is_operator(function, i)) ++depth;
    if (function[i] == '>' && depth > 0 && (i == 0 || function[i - 1] != '-')) --depth;
    if (function[i] != '(' || depth != 0) continue;
    const std::string_view rest = function.substr(i);
    if (rest.starts_with("(anonymous namespace)") || rest.starts_with("()(")) {  // operator()(int)
      i += rest.starts_with("()(") ? 1 : 20;
      continue;
    }
    const std::string_view name = function.substr(0, i);
    return name.empty() ? function : name.substr(0, name.find_last_not_of(' ') + 1);
  }
  return function;
}

std::string place_of(const SiteFrame& frame) {
  if (!frame.file.empty()) {
    return std::string(frame.file) + (frame.line > 0 ? ':' + std::to_string(frame.line) : "");
  }
  const std::size_t slash = frame.module.rfind('/');
  return std::string(slash == std::string_view::npos ? frame.module : frame.module.substr(slash + 1));
}

std::string frame_text(const SiteFrame& frame, bool shorten) {
  std::string text = frame.function.empty() ? "?"
                     : shorten              ? shorten_templates(frame.function)
                                            : std::string(frame.function);
  if (const std::string place = place_of(frame); !place.empty()) text += " (" + place + ')';
  if (frame.is_inlined) text += " [inlined]";
  return text;
}

}  // namespace analyzer
