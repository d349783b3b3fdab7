// Writes what perf prints of memory accesses, in the layouts of several versions, for tests.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tests {

/// The report of perf c2c.
class PerfC2cWriter {
 public:
  /// What differs between versions and options.
  struct Layout {
    bool has_nodes = true;         ///< Node and PA cnt: since 4.17
    bool has_records = true;       ///< in the Pareto: since nodes
    bool has_short_names = false;  ///< Rmt, Lcl and another order of the line table: until 5.10
    bool has_stores_na = true;     ///< since 6.0
    bool is_peer = false;          ///< -d peer
    bool is_stdio = true;          ///< --stdio; else Off and no Num
    bool has_process = false, has_thread = false, has_code = true, has_source = true;  ///< -c, --no-source
    bool has_callchains = false;                                                       ///< -g
    std::size_t symbol_width = 30;                                                     ///< until --full-symbols
    std::string nodes_heading = "Node";
    std::string indentation = "";  ///< as in mails
  };
  struct Line {
    std::string address, nodes = "0";
    std::uint64_t remote = 0, local = 0;               ///< HITM, or peer
    std::uint64_t l1_hits = 0, l1_misses = 0, na = 0;  ///< stores
    std::uint64_t loads = 0;
  };
  struct Access {
    std::string remote, local, l1_hits, l1_misses, na;  ///< percentages without '%'
    std::string offset;
    std::string process, thread;
    std::string code, remote_cycles, local_cycles, load_cycles, records, cpus;
    std::string symbol, module, source, nodes = "0";
  };

  explicit PerfC2cWriter(Layout layout) : layout_(std::move(layout)) {}

  PerfC2cWriter& lines(const std::vector<Line>& lines) {
    text_ += title("Shared Data Cache Line Table");
    std::vector<Column> columns = line_columns();
    headings(columns);
    std::size_t index = 0;
    for (const Line& line : lines) row(columns, line_cells(index++, line));
    put("");
    return *this;
  }
  PerfC2cWriter& pareto() {
    text_ += title("Shared Cache Line Distribution Pareto");
    headings(access_columns());
    return *this;
  }
  /// The totals above the accesses of a line.
  PerfC2cWriter& totals(std::size_t index, const Line& line) {
    std::vector<std::string> cells = {std::to_string(index), std::to_string(line.remote), std::to_string(line.local),
                                      std::to_string(line.l1_hits), std::to_string(line.l1_misses)};
    if (layout_.has_stores_na) cells.push_back(std::to_string(line.na));
    std::string text = " ";
    for (std::size_t i = 0; i < cells.size(); ++i) text += " " + right(cells[i], i == 0 ? 5 : 8);
    const std::string rule = "  " + std::string(cells.size() * 9 + 16, '-');
    put(rule);
    put(text + "  " + right(line.address, 18));
    put(rule);
    return *this;
  }
  PerfC2cWriter& access(const Access& access) {
    row(access_columns(), access_cells(access));
    if (layout_.has_callchains) {
      put("            |");
      put("            ---" + access.symbol.substr(std::min<std::size_t>(4, access.symbol.size())));
      put("               0x7f801b6228a8");
      put("               |          ");
      put("                --0.97%--main");
      put("");
    }
    return *this;
  }
  PerfC2cWriter& text(const std::string& text) {
    text_ += text;
    return *this;
  }
  [[nodiscard]] const std::string& bytes() const { return text_; }

 private:
  struct Column {
    std::string group, name;
    std::size_t width;
    std::size_t span = 1;  ///< columns that share the group
    bool is_left = false;
  };

  static std::string right(const std::string& text, std::size_t width) {
    return text.size() >= width ? text : std::string(width - text.size(), ' ') + text;
  }
  static std::string left(const std::string& text, std::size_t width) {
    return text.size() >= width ? text : text + std::string(width - text.size(), ' ');
  }
  /// "--- Stores ---", as wide as its columns.
  static std::string filled(const std::string& text, std::size_t width) {
    const std::size_t dashes = width > text.size() + 2 ? width - text.size() - 2 : 0;
    return std::string(dashes / 2, '-') + " " + text + " " + std::string(dashes - dashes / 2, '-');
  }
  void put(const std::string& line) { text_ += layout_.indentation + line + "\n"; }
  [[nodiscard]] std::string title(const std::string& text) const {
    const std::string rule = layout_.indentation + std::string(49, '=') + "\n";
    return rule + layout_.indentation + "           " + text + "\n" + rule + layout_.indentation + "#\n";
  }
  void headings(const std::vector<Column>& columns) {
    std::string groups = "#", names = "#", dots = "#";
    for (std::size_t i = 0; i < columns.size(); ++i) {
      std::size_t width = 0;
      for (std::size_t k = 0; k < columns[i].span; ++k) width += columns[i + k].width + (k == 0 ? 0 : 2);
      const bool is_shared = columns[i].span > 1;
      const std::string gap = i == 0 ? " " : "  ";
      groups += gap + (is_shared ? filled(columns[i].group, width) : right(columns[i].group, width));
      for (std::size_t k = 0; k < columns[i].span; ++k) {
        names += (i + k == 0 ? " " : "  ") + right(columns[i + k].name, columns[i + k].width);
        dots += (i + k == 0 ? " " : "  ") + std::string(columns[i + k].width, '.');
      }
      i += columns[i].span - 1;
    }
    for (const std::string& line : {groups, names, dots, std::string("#")}) put(line);
  }
  void row(const std::vector<Column>& columns, const std::vector<std::string>& cells) {
    std::string text = " ";
    for (std::size_t i = 0; i < cells.size(); ++i)
      text += (i == 0 ? " " : "  ") +
              (columns[i].is_left ? left(cells[i], columns[i].width) : right(cells[i], columns[i].width));
    put(text);
  }

  [[nodiscard]] std::vector<Column> line_columns() const {
    std::vector<Column> all = {{"", "Index", 5}};
    if (layout_.has_nodes) {
      all.insert(all.end(), {{"Cacheline", "Address", 18, 3}, {"", "Node", 4}, {"", "PA cnt", 6}});
    } else {
      all.push_back({"", "Cacheline", 18});
    }
    if (layout_.has_short_names) {
      all.insert(all.end(), {{"Total", "records", 7},
                             {"Rmt", "Hitm", 7},
                             {"LLC Load Hitm", "Total", 7, 3},
                             {"", "Lcl", 7},
                             {"", "Rmt", 7},
                             {"Store Reference", "Total", 7, 3},
                             {"", "L1Hit", 7},
                             {"", "L1Miss", 7},
                             {"Load Dram", "Lcl", 8, 2},
                             {"", "Rmt", 8},
                             {"LLC", "Ld Miss", 7},
                             {"Total", "Loads", 7},
                             {"LLC Load Hit", "Llc", 8, 2},
                             {"", "Rmt", 8}});
      return all;
    }
    const bool is_peer = layout_.is_peer;
    all.insert(all.end(), {{is_peer ? "Peer" : "Tot", is_peer ? "Snoop" : "Hitm", 7},
                           {is_peer ? "Load Peer" : "Load Hitm", "Total", 7, 3},
                           {"", is_peer ? "Local" : "LclHitm", 7},
                           {"", is_peer ? "Remote" : "RmtHitm", 7},
                           {"Total", "records", 7},
                           {"Total", "Loads", 7},
                           {"Total", "Stores", 7},
                           {"Stores", "L1Hit", 7, layout_.has_stores_na ? 3U : 2U},
                           {"", "L1Miss", 7}});
    if (layout_.has_stores_na) all.push_back({"", "N/A", 7});
    all.insert(all.end(), {{"LLC Load Hit", "LclHit", 8, 2},
                           {"", "LclHitm", 7},
                           {"RMT Load Hit", "RmtHit", 8, 2},
                           {"", "RmtHitm", 7},
                           {"Load Dram", "Lcl", 8, 2},
                           {"", "Rmt", 8}});
    return all;
  }
  [[nodiscard]] std::vector<std::string> line_cells(std::size_t index, const Line& line) const {
    const auto number = [](std::uint64_t value) { return std::to_string(value); };
    const std::uint64_t stores = line.l1_hits + line.l1_misses + line.na;
    std::vector<std::string> cells = {number(index), line.address};
    if (layout_.has_nodes) cells.insert(cells.end(), {line.nodes, "1967"});
    if (layout_.has_short_names) {
      cells.insert(cells.end(), {number(line.loads + stores), "77.09%", number(line.local + line.remote),
                                 number(line.local), number(line.remote), number(stores), number(line.l1_hits),
                                 number(line.l1_misses), "727", "2657", "13747", number(line.loads), "2875", "529"});
      return cells;
    }
    cells.insert(cells.end(), {"66.14%", number(line.local + line.remote), number(line.local), number(line.remote),
                               number(line.loads + stores), number(line.loads), number(stores), number(line.l1_hits),
                               number(line.l1_misses)});
    if (layout_.has_stores_na) cells.push_back(number(line.na));
    cells.insert(cells.end(), {"20", "252", "31", "77", "5", "7"});
    return cells;
  }

  [[nodiscard]] std::vector<Column> access_columns() const {
    std::vector<Column> all;
    if (layout_.is_stdio) all.push_back({"", "Num", 5});
    const bool is_short = layout_.has_short_names || layout_.is_peer;
    all.insert(all.end(), {{layout_.is_peer ? "Peer Snoop" : "HITM", is_short ? "Rmt" : "RmtHitm", 7, 2},
                           {"", is_short ? "Lcl" : "LclHitm", 7},
                           {"Store Refs", "L1 Hit", 7, layout_.has_stores_na ? 3U : 2U},
                           {"", "L1 Miss", 7}});
    if (layout_.has_stores_na) all.push_back({"", "N/A", 7});
    const std::size_t offset_width = layout_.is_stdio ? 18 : 5;
    const std::string offset = layout_.is_stdio ? "Offset" : "Off";
    const std::string data = layout_.is_stdio ? "Data address" : "CL";
    if (layout_.has_nodes) {
      all.insert(all.end(), {{data, offset, offset_width, 3}, {"", "Node", 4}, {"", "PA cnt", 6}});
    } else {
      all.push_back({data, offset, offset_width});
    }
    if (layout_.has_process) all.push_back({"", "Pid", 7});
    if (layout_.has_thread) all.push_back({"", "Tid", 14});
    if (layout_.has_code) all.push_back({"", "Code address", 18});
    all.insert(all.end(), {{"cycles", layout_.is_peer ? "rmt peer" : "rmt hitm", 8, 3},
                           {"", layout_.is_peer ? "lcl peer" : "lcl hitm", 8},
                           {"", "load", 8}});
    if (layout_.has_records) all.push_back({"Total", "records", 7});
    all.push_back({"cpu", "cnt", 8});
    if (layout_.has_code) {
      all.push_back({"", "Symbol", layout_.symbol_width, 1, true});
      all.push_back({"Shared", "Object", 20, 1, true});
      if (layout_.has_source) all.push_back({"", "Source:Line", layout_.symbol_width, 1, true});
    }
    all.push_back({"", layout_.nodes_heading, 4, 1, true});
    // The heading of the last column is wider than its dots.
    return all;
  }
  [[nodiscard]] std::vector<std::string> access_cells(const Access& access) const {
    std::vector<std::string> cells;
    if (layout_.is_stdio) cells.emplace_back();
    cells.insert(cells.end(), {access.remote + "%", access.local + "%", access.l1_hits + "%", access.l1_misses + "%"});
    if (layout_.has_stores_na) cells.push_back(access.na + "%");
    cells.push_back(access.offset);
    if (layout_.has_nodes) cells.insert(cells.end(), {"N/A", "1"});
    if (layout_.has_process) cells.push_back(access.process);
    if (layout_.has_thread) cells.push_back(access.thread);
    if (layout_.has_code) cells.push_back(access.code);
    cells.insert(cells.end(), {access.remote_cycles, access.local_cycles, access.load_cycles});
    if (layout_.has_records) cells.push_back(access.records);
    cells.push_back(access.cpus);
    if (layout_.has_code) {
      cells.push_back(access.symbol.substr(0, layout_.symbol_width));
      cells.push_back(access.module);
      if (layout_.has_source) cells.push_back(access.source.substr(0, layout_.symbol_width));
    }
    cells.push_back(access.nodes);
    return cells;
  }

  Layout layout_;
  std::string text_;
};

}  // namespace tests
