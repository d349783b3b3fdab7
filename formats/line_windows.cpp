#include "formats/line_windows.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace formats {

LineWindows::LineWindows(const Input& input, DamageLog& damage, std::size_t window)
    : input_(input), damage_(damage), window_(std::max<std::size_t>(window, 1)), decoder_(input.decoder()) {
  if (!decoder_) mapped_ = input.bytes();
}

std::string_view LineWindows::peek(std::size_t wanted) {
  if (!decoder_) {
    const auto at = static_cast<std::size_t>(offset_);
    return as_text(mapped_.subspan(at, std::min(wanted, mapped_.size() - at)));
  }
  if (end_ - begin_ < wanted && !inflated_all_) {
    if (begin_ != end_) std::memmove(room_.data(), room_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (room_.size() < wanted) room_.resize(wanted);
    const std::span<std::byte> free = std::span(room_).subspan(end_);
    const std::size_t size = decoder_->read(free);
    inflated_all_ = size < free.size();
    end_ += size;
  }
  return as_text(Bytes(room_).subspan(begin_, std::min(wanted, end_ - begin_)));
}

void LineWindows::consume(std::size_t size) {
  offset_ += size;
  if (decoder_) {
    begin_ += size;
  } else {
    input_.release_before(offset_);
  }
}

void LineWindows::drop_line() {
  const std::uint64_t from = offset_;
  for (;;) {
    const std::string_view text = peek(longest_line);
    const std::size_t end = text.find('\n');
    consume(end == std::string_view::npos ? text.size() : end + 1);
    if (end != std::string_view::npos || text.size() < longest_line) break;
  }
  damage_.add(from, offset_ - from, "line longer than " + std::to_string(longest_line) + " bytes");
}

std::string_view LineWindows::next() {
  consume(given_);
  given_ = 0;
  std::size_t wanted = window_;
  for (;;) {
    const std::string_view text = peek(wanted);
    const std::size_t end = text.rfind('\n');
    if (end != std::string_view::npos) {
      given_ = end + 1;
      return text.substr(0, given_);
    }
    if (text.size() < wanted) {
      remainder_ = text;
      return {};
    }
    if (wanted < longest_line) {
      wanted = std::min(wanted * 2, longest_line);
    } else {
      drop_line();
      wanted = window_;
    }
  }
}

std::pair<std::uint64_t, std::uint64_t> LineWindows::progress() const {
  if (decoder_) return {decoder_->used(), decoder_->file_size()};
  return {offset_, mapped_.size()};
}

}  // namespace formats
