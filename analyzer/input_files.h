// Which files an INPUT means: itself, the files of a folder, or what a quoted pattern matches. Several are one series.
#pragma once

#include <string>
#include <vector>

namespace analyzer {

/// "-" and a file: itself. A folder: its files, hidden ones and subfolders left out. A pattern with * ? or [ that no
/// file is called: what matches. In natural order: dump.2 before dump.10. Throws formats::InputError when a folder or a
/// pattern has no file.
[[nodiscard]] std::vector<std::string> input_files(const std::string& input);

/// The files of several INPUTs, in their order. Files in byte order are in the order of a shell's pattern, not in one
/// that somebody chose: those come in natural order.
[[nodiscard]] std::vector<std::string> input_files(const std::vector<std::string>& inputs);

/// -1, 0 or 1: digits compare as numbers, all else by byte.
[[nodiscard]] int compare_naturally(const std::string& a, const std::string& b);

/// Unix times of last modification if they can order the files of a series: all known, and ascending in their order
/// with at least a second between the first and the last. Empty otherwise (copied together, unpacked).
[[nodiscard]] std::vector<double> modification_times(const std::vector<std::string>& files);

}  // namespace analyzer
