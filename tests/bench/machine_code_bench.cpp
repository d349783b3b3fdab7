// How long the code of executables takes: machine_code_bench FILE..., a line each. Of decoding alone (Capstone with its
// details, reduced to our instructions), of the whole analysis, and of reading that back from the cache.
#include <cstdio>
#include <ctime>

#include "formats/machine_code.h"
#include "formats/machine_code_cache.h"
#include "formats/machine_code_decoder.h"
#include "formats/module_file.h"

namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void measure(const char* path) {
  using namespace formats::machine_code;
  const auto module = formats::ModuleFile::open("", path);
  if (!module) {
    std::printf("%s: no executable\n", path);
    return;
  }
  const double start = cpu_seconds();
  const CodeFile file(module->bytes());
  const double opened = cpu_seconds();
  Decoder decoder;
  std::vector<Instruction> instructions;
  std::uint64_t bytes = 0;
  for (const Function& function : file.functions()) {
    instructions.clear();
    decoder.decode(file.bytes(function.start, function.size()), function.start, instructions);
    bytes += function.size();
  }
  const double decoded = cpu_seconds();
  const CodeAnalysis code = analyse_code(file);
  const double analysed = cpu_seconds();
  const std::string kept = to_bytes(code);
  const double written = cpu_seconds();
  const bool again = from_bytes({reinterpret_cast<const std::byte*>(kept.data()), kept.size()}).has_value();
  const double read = cpu_seconds();
  const auto count = static_cast<double>(code.instruction_count);
  std::printf(
      "%s: %.1f MB of code, %.2f M instructions; sections and functions %.3f s; decoding %.2f s (%.2f M/s); analysis "
      "with "
      "decoding %.2f s (%.2f M/s); cache %.1f MB, read in %.3f s%s\n",
      path, static_cast<double>(bytes) / 1e6, count / 1e6, opened - start, decoded - opened,
      count / 1e6 / (decoded - opened), analysed - decoded, count / 1e6 / (analysed - decoded),
      static_cast<double>(kept.size()) / 1e6, read - written, again ? "" : ", WRONG");
}

}  // namespace

int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) measure(arguments[i]);
}
