#include "importers/registry.h"

#include <array>

#include "formats/elf_core.h"
#include "formats/hprof.h"
#include "importers/core_importer.h"
#include "importers/hprof_description.h"
#include "importers/hprof_importer.h"

namespace importers {
namespace {

constexpr std::array<Importer, 2> importers_by_magic{{
    {"hprof", "JVM and Android heap dumps (JAVA PROFILE 1.0.1, 1.0.2, 1.0.3)", formats::hprof::looks_like, import_hprof,
     describe_hprof},
    {"core", "ELF cores of native processes (64-bit x86-64, AArch64): glibc malloc, jemalloc, tcmalloc, mimalloc",
     formats::elf::is_elf, import_core, describe_core},
}};

}  // namespace

std::span<const Importer> all_importers() { return importers_by_magic; }

const Importer* find_importer(formats::Bytes head) {
  for (const Importer& importer : importers_by_magic) {
    if (importer.looks_like(head)) return &importer;
  }
  return nullptr;
}

}  // namespace importers
