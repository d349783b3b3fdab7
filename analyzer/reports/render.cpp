#include "analyzer/reports/render.h"

#include <array>
#include <cmath>

#include "analyzer/json_text.h"
#include "analyzer/quantities.h"

namespace analyzer {

namespace {

constexpr std::array all{Renderer{"text", "for people", render_text},
                         Renderer{"markdown", "for pull requests and tickets", render_markdown},
                         Renderer{"json", "heapql/<type>@1", render_json}, Renderer{"csv", "the tables", render_csv}};

std::string hex(std::int64_t address) {
  auto value = static_cast<std::uint64_t>(address);
  std::string digits;
  do {
    digits.insert(digits.begin(), "0123456789abcdef"[value & 15]);
    value >>= 4;
  } while (value != 0);
  return "0x" + digits;
}

std::string signed_count(std::int64_t value) {
  const std::string digits =
      format_count(value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value));
  return value < 0 ? '-' + digits : digits;
}

}  // namespace

std::span<const Renderer> renderers() { return all; }

const Renderer* find_renderer(std::string_view name) {
  for (const Renderer& renderer : all) {
    if (renderer.name == name) return &renderer;
  }
  return nullptr;
}

std::string cell_text(const Cell& cell, CellFormat format) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* value = std::get_if<std::int64_t>(&cell)) {
    switch (format) {
      case CellFormat::text: return std::to_string(*value);
      case CellFormat::address: return hex(*value);
      case CellFormat::bytes:
        return *value < 0 ? '-' + format_size(-static_cast<double>(*value)) : format_size(static_cast<double>(*value));
      case CellFormat::percent: return std::to_string(*value) + " %";
      case CellFormat::integer:
      case CellFormat::real: return signed_count(*value);
    }
  }
  if (const auto* value = std::get_if<double>(&cell)) {
    const double size = std::abs(*value);
    if (format == CellFormat::real && size >= 1000 && size < 9e18) {  // places that nobody reads
      return (*value < 0 ? "-" : "") + format_count(static_cast<std::uint64_t>(std::llround(size)));
    }
    const int digits = format == CellFormat::real && size < 0.1 ? 3 : 1;  // 0.033 seconds are not 0
    const std::string text = (*value < 0 ? "-" : "") + format_decimal(size, digits);
    return format == CellFormat::percent ? text + " %" : text;
  }
  return {};
}

std::string cell_raw(const Cell& cell, CellFormat format) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* value = std::get_if<std::int64_t>(&cell)) {
    return format == CellFormat::address ? hex(*value) : std::to_string(*value);
  }
  if (const auto* value = std::get_if<double>(&cell)) return json_number(*value);
  return {};
}

}  // namespace analyzer
