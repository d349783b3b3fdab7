// Windows of whole lines: the same lines whatever the window, the wrapping and where the text breaks off.
#include "formats/line_windows.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zstd.h>

#include <fstream>
#include <string>

namespace {

using formats::DamageLog;
using formats::Input;
using formats::LineWindows;

std::string numbered_lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += std::to_string(i * 7919) + "\n" + (i % 7 == 0 ? "\n" : "");
  return text;
}

class Windows : public testing::Test {
 protected:
  Windows() : path_(testing::TempDir() + "/heapql-lines-" + std::to_string(getpid())) {}
  ~Windows() override { unlink(path_.c_str()); }

  Input zstd_input(std::string_view text, std::size_t cut = 0) {
    std::string stored(ZSTD_compressBound(text.size()), '\0');
    stored.resize(ZSTD_compress(stored.data(), stored.size(), text.data(), text.size(), 1) - cut);
    std::ofstream(path_, std::ios::binary).write(stored.data(), static_cast<std::streamsize>(stored.size()));
    formats::InputOptions options;
    options.inflate_later = true;
    return Input::open(path_, damage_, options);
  }

  /// All windows and the remainder; checks that windows are whole lines and offsets add up.
  std::string joined(const Input& input, std::size_t window) {
    LineWindows windows(input, damage_, window);
    std::string text;
    for (;;) {
      const std::string_view lines = windows.next();
      EXPECT_EQ(windows.offset(), text.size());
      if (lines.empty()) break;
      EXPECT_EQ(lines.back(), '\n');
      text += lines;
    }
    EXPECT_EQ(windows.remainder().find('\n'), std::string_view::npos);
    return text + std::string(windows.remainder());
  }

  std::string path_;
  DamageLog damage_;
};

TEST_F(Windows, AreTheWholeTextForEverySizeAndTruncation) {
  const std::string text = numbered_lines(60);
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const std::string cut = text.substr(0, size);
    const Input input = Input::borrow(std::as_bytes(std::span(cut)));
    for (const std::size_t window : {std::size_t{1}, std::size_t{2}, std::size_t{16}, std::size_t{1000}}) {
      EXPECT_EQ(joined(input, window), cut);
    }
  }
  EXPECT_EQ(damage_.count(), 0u);
}

TEST_F(Windows, AreInflatedAsTheyAreRead) {
  const std::string text = numbered_lines(100'000) + "no end";
  for (const std::size_t window : {std::size_t{100}, std::size_t{65'536}}) {
    const Input input = zstd_input(text);
    EXPECT_TRUE(joined(input, window) == text) << window;
    LineWindows windows(input, damage_, window);
    while (!windows.next().empty()) {
    }
    EXPECT_EQ(windows.remainder(), "no end");
    EXPECT_EQ(windows.progress().first, windows.progress().second);
  }
  EXPECT_EQ(damage_.count(), 0u);
}

TEST_F(Windows, OfACutStreamEndWithWhatCameOutAndSaySo) {
  const std::string text = numbered_lines(100'000);
  const std::string kept = joined(zstd_input(text, 1000), 65'536);
  EXPECT_GT(kept.size(), text.size() / 2);
  EXPECT_TRUE(kept == text.substr(0, kept.size()));
  EXPECT_EQ(damage_.count(), 1u);
}

TEST_F(Windows, DropALineThatIsTooLongAndGoOn) {
  const std::string long_line(LineWindows::longest_line * 3, 'x');
  const std::string text = "before\n" + long_line + "\nafter\n" + long_line;
  const auto check = [&](const Input& input) {
    damage_ = DamageLog();
    LineWindows windows(input, damage_);
    EXPECT_EQ(windows.next(), "before\n");
    EXPECT_EQ(windows.next(), "after\n");
    EXPECT_EQ(windows.next(), "");
    ASSERT_EQ(damage_.count(), 2u);
    EXPECT_EQ(damage_.entries()[0].offset, 7u);
    EXPECT_EQ(damage_.entries()[0].bytes, long_line.size() + 1);
    EXPECT_EQ(damage_.entries()[1].bytes, long_line.size());
  };
  check(Input::borrow(std::as_bytes(std::span(text))));
  check(zstd_input(text));
}

}  // namespace
