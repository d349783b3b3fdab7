// Turns a report into bytes. Text of a dump is hostile: control characters, Markdown, HTML, quotes and broken UTF-8 are
// made harmless by the renderer, not by the builders. Output depends on the report and these options only.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "analyzer/reports/report.h"

namespace analyzer {

struct RenderOptions {
  bool color = false;       ///< text only
  std::size_t width = 100;  ///< columns of text; tables are cut to it, 0 = unlimited
  /// Text: of a table that does not fit, the last columns of figures are left out and named below it. For terminals,
  /// which would wrap every line; in a file a long line is better than a missing one.
  bool leave_out_columns = false;
};

/// Aligned tables, sizes as people read them.
[[nodiscard]] std::string render_text(const Report& report, const RenderOptions& options);
/// GitHub-flavoured Markdown.
[[nodiscard]] std::string render_markdown(const Report& report, const RenderOptions& options);
/// {"schema": "heapql/<name>@1", …}: sizes in bytes, addresses as "0x…" strings, NULL as null.
[[nodiscard]] std::string render_json(const Report& report, const RenderOptions& options);
/// RFC 4180: every table, each with its header line, an empty line between them; without others and total rows.
[[nodiscard]] std::string render_csv(const Report& report, const RenderOptions& options);

struct Renderer {
  std::string_view name;  ///< --format
  std::string_view summary;
  std::string (*render)(const Report&, const RenderOptions&);
};
[[nodiscard]] std::span<const Renderer> renderers();
[[nodiscard]] const Renderer* find_renderer(std::string_view name);

/// The cell as people read it: "1.2 MiB", "12,345", "12.4 %", "0x7f…"; "" for NULL. Not escaped.
[[nodiscard]] std::string cell_text(const Cell& cell, CellFormat format);
/// The cell as a machine reads it: digits, "0x7f…"; "" for NULL. Not escaped.
[[nodiscard]] std::string cell_raw(const Cell& cell, CellFormat format);

}  // namespace analyzer
