#include "formats/memcheck_report.h"

#include <algorithm>

#include "formats/text_lines.h"

namespace formats::memcheck {

Process& ReportBuilder::process(std::uint64_t id) {
  const auto [found, is_new] = newest_.try_emplace(id, report_.processes.size());
  if (is_new || report_.processes[found->second].is_finished) {
    found->second = report_.processes.size();
    report_.processes.emplace_back().id = id;
  }
  return report_.processes[found->second];
}

void ReportBuilder::add_loss(Process& process, Loss loss) {
  const bool is_another = process.losses.empty() || (loss.number != 0 && loss.number <= process.losses.back().number);
  if (is_another) {
    ++process.leak_searches;
    process.losses.clear();
  }
  process.losses.push_back(std::move(loss));
}

void ReportBuilder::add_error(Process& process, std::string_view kind) {
  for (auto& [known, count] : process.errors) {
    if (known != kind) continue;
    ++count;
    return;
  }
  constexpr std::size_t most_kinds = 1000;  // a damaged file could have a kind a line
  if (process.errors.size() < most_kinds) process.errors.emplace_back(kind, 1);
}

std::optional<std::uint64_t> parse_grouped(std::string_view text) {
  std::string digits(text.substr(0, std::min<std::size_t>(text.size(), 40)));
  digits.erase(std::remove(digits.begin(), digits.end(), ','), digits.end());
  return parse_number<std::uint64_t>(digits);
}

std::optional<Loss> parse_loss(std::string_view text) {
  // N [(+N)] [(D direct, I indirect)] bytes in N [(+N)] blocks are KIND lost|reachable [in loss record I of N]
  struct Kind {
    std::string_view words;
    LossKind kind;
  };
  static constexpr Kind kinds[] = {{"definitely lost", LossKind::definite},
                                   {"indirectly lost", LossKind::indirect},
                                   {"possibly lost", LossKind::possible},
                                   {"still reachable", LossKind::reachable}};
  const std::size_t bytes_at = text.find(" bytes in ");
  const std::size_t blocks_at =
      bytes_at == std::string_view::npos ? std::string_view::npos : text.find(" blocks are ", bytes_at);
  if (blocks_at == std::string_view::npos) return std::nullopt;
  std::string_view sum = text.substr(0, bytes_at);
  std::string_view blocks_text = text.substr(bytes_at + 10, blocks_at - bytes_at - 10);
  std::string_view kind_text = text.substr(blocks_at + 12);
  Loss loss;
  const std::optional<std::uint64_t> bytes = parse_grouped(take_word(sum));
  const std::optional<std::uint64_t> blocks = parse_grouped(take_word(blocks_text));
  if (!bytes || !blocks) return std::nullopt;
  loss.bytes = *bytes;
  loss.blocks = *blocks;
  if (const std::size_t direct = sum.find(" direct,"); direct != std::string_view::npos) {
    const std::size_t open = sum.rfind('(', direct);
    std::string_view number =
        open == std::string_view::npos ? std::string_view() : sum.substr(open + 1, direct - open - 1);
    const std::optional<std::uint64_t> of_direct = parse_grouped(take_word(number));
    if (!of_direct) return std::nullopt;
    loss.bytes = *of_direct;
  }
  const auto kind = std::find_if(std::begin(kinds), std::end(kinds),
                                 [&](const Kind& row) { return kind_text.starts_with(row.words); });
  if (kind == std::end(kinds)) return std::nullopt;
  loss.kind = kind->kind;
  if (const std::size_t record = kind_text.find(" loss record "); record != std::string_view::npos) {
    std::string_view number = kind_text.substr(record + 13);
    loss.number = parse_grouped(take_word(number)).value_or(0);
  }
  return loss;
}

}  // namespace formats::memcheck
