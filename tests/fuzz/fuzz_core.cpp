// Cores: what formats/elf_core.h, process_image.h and link_map.h read. Segments and missing bytes must add up, ranges
// must not overlap, and reads at any address must agree with each other.
#include <algorithm>
#include <string>

#include "formats/elf_core.h"
#include "formats/link_map.h"
#include "formats/process_image.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using formats::ProcessImage;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

void check_ranges(const ProcessImage& image, std::uint64_t present) {
  std::uint64_t end = 0;
  std::uint64_t found = 0;
  for (const ProcessImage::Range& range : image.ranges()) {
    require(range.start >= end && range.end > range.start);
    require(range.file >= -1 && range.file < static_cast<std::int32_t>(image.core().files.size()));
    end = range.end;
    if (range.present()) found += range.size();
    require(image.find(range.start) == &range && image.find(range.end - 1) == &range);
  }
  require(found == present);
}

/// Around an address that means something to the input.
void check_reads(const ProcessImage& image, std::uint64_t near) {
  for (const std::uint64_t address : {near, near + 1, near - 1, near + 4095}) {
    const formats::Bytes bytes = image.at(address);
    std::string copy(std::min<std::size_t>(bytes.size(), 64), '\0');
    require(image.read(address, copy.data(), copy.size()));
    require(copy == formats::as_text(bytes).substr(0, copy.size()));
    const std::optional<std::uint64_t> word = image.word(address);
    require(bytes.size() < 8 || word);
    if (const std::optional<std::string> text = image.text(address, 256)) {
      require(text->size() < 256 && text->find('\0') == std::string::npos);
    }
  }
}

}  // namespace

void fuzz(formats::Bytes input) {
  require(!formats::elf::describe(input).empty());
  formats::DamageLog damage(16);
  formats::elf::Core core;
  try {
    core = formats::elf::read_core(input, damage);
  } catch (const formats::InputError&) {
    return;
  }
  std::uint64_t dumped = 0;
  std::uint64_t held = 0;
  for (const formats::elf::Segment& segment : core.segments) {
    require(segment.dumped <= segment.size && segment.bytes.size() <= segment.dumped);
    dumped += segment.dumped;
    held += segment.bytes.size();
  }
  require(held + core.missing_bytes == dumped);
  require(core.missing_bytes == 0 || damage.count() != 0);

  ProcessImage image(core);
  check_ranges(image, held);
  std::size_t few = 64;  // targets are bounded: a core can have thousands of ranges
  for (const ProcessImage::Range& range : image.ranges()) {
    if (few-- == 0) break;
    check_reads(image, range.start);
    check_reads(image, range.end);
  }
  for (const formats::elf::Thread& thread : core.threads) {
    if (few-- == 0) break;
    check_reads(image, thread.stack_pointer);
  }

  formats::elf::Core unlisted = core;
  unlisted.files.clear();
  formats::complete_files(unlisted);
  check_ranges(ProcessImage(unlisted), held);

  std::uint64_t filled = 0;
  for (const formats::elf::Segment& segment : core.segments) {
    if (filled > 1 << 16) break;
    filled += image.fill(segment.address, input.first(std::min<std::size_t>(input.size(), 4096)));
  }
  check_ranges(image, held + filled);
}
