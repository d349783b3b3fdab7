#include "importers/native_allocators.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace importers::native {
namespace {

struct Library {
  std::string_view file;       ///< how its file's name begins
  std::string_view allocator;  ///< in words
  std::string_view walk;       ///< what HeapWalk::allocator() holds when its heap was found; "" = no walk reads it
  std::string_view read;       ///< what is read of it
};

constexpr std::array libraries{
    Library{"libjemalloc", "jemalloc", "jemalloc", "jemalloc 5 with pages of 4 KiB"},
    Library{"libtcmalloc", "tcmalloc", "tcmalloc", "gperftools 2.x"},
    Library{"libmimalloc", "mimalloc", "mimalloc", "mimalloc 2.x"},
    Library{"ld-musl", "musl's malloc", "", ""},
    Library{"libc.musl", "musl's malloc", "", ""},
    Library{"libscudo", "Scudo", "", ""},
    Library{"libclang_rt.scudo", "Scudo", "", ""},
    Library{"libasan", "AddressSanitizer's allocator", "", ""},
    Library{"libclang_rt.asan", "AddressSanitizer's allocator", "", ""},
    Library{"libhoard", "Hoard", "", ""},
    Library{"libsnmalloc", "snmalloc", "", ""},
    Library{"librpmalloc", "rpmalloc", "", ""},
    Library{"libumem", "libumem", "", ""},
    Library{"libtbbmalloc", "oneTBB's malloc", "", ""},
    Library{"libhardened_malloc", "hardened_malloc", "", ""},
};

}  // namespace

std::vector<std::string> missing_heaps(const formats::elf::Core& core,
                                       std::span<const std::unique_ptr<formats::HeapWalk>> walks) {
  std::vector<std::string> sentences;
  std::vector<const Library*> told;
  for (const formats::elf::FileMapping& file : core.files) {
    const std::string_view name = std::string_view(file.path).substr(file.path.rfind('/') + 1);
    const auto library = std::find_if(libraries.begin(), libraries.end(),
                                      [&](const Library& one) { return name.starts_with(one.file); });
    if (library == libraries.end() || std::find(told.begin(), told.end(), &*library) != told.end()) continue;
    told.push_back(&*library);
    const bool found = !library->walk.empty() && std::any_of(walks.begin(), walks.end(), [&](const auto& walk) {
      return walk->allocator().find(library->walk) != std::string::npos;
    });
    if (found) continue;
    sentences.push_back(std::string(name) + " is mapped, but no heap of " + std::string(library->allocator) +
                        " was found: " +
                        (library->walk.empty() ? "heapql does not read it"
                                               : "it is of a version that heapql does not read (" +
                                                     std::string(library->read) + " is), unused, or not in the core") +
                        "; blocks that it gave out are missing here");
  }
  return sentences;
}

}  // namespace importers::native
