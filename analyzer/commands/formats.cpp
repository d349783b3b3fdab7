// heapql formats: what can be read.
#include <algorithm>
#include <iostream>

#include "analyzer/commands/commands.h"
#include "importers/registry.h"

namespace analyzer {
namespace {

int run_formats(const Invocation& invocation) {
  if (!invocation.arguments.empty()) throw UsageError("formats takes no arguments");
  std::size_t width = 6;
  for (const importers::Importer& importer : importers::all_importers()) width = std::max(width, importer.name.size());
  for (const importers::Importer& importer : importers::all_importers()) {
    std::cout << importer.name << std::string(width - importer.name.size() + 2, ' ') << importer.summary << '\n';
  }
  std::cout << "\nThe format is told by content, never by the file's name. gzip and zstd are read directly; '-' is "
               "standard input.\n";
  return exit_ok;
}

}  // namespace

const Command formats_command = {"formats",
                                 "list the formats that can be read",
                                 "",
                                 "heapql formats",
                                 [] { return boost::program_options::options_description(); },
                                 run_formats};

}  // namespace analyzer
