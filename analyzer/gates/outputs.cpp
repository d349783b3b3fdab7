#include "analyzer/gates/outputs.h"

namespace analyzer {
namespace {

constexpr GateOutput outputs[] = {
    {"text", "one line per rule, paths of what failed, verdict last", render_gate_text},
    {"json", "heapql/check@1", render_gate_json},
};

}  // namespace

std::span<const GateOutput> gate_outputs() { return outputs; }

const GateOutput* find_gate_output(std::string_view name) {
  for (const GateOutput& output : outputs) {
    if (output.name == name) return &output;
  }
  return nullptr;
}

}  // namespace analyzer
