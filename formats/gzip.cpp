#include "formats/gzip.h"

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

namespace formats::gzip {
namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;
constexpr std::size_t header_size = 10;
// Room for one member inflated speculatively; larger members are inflated in a stream.
constexpr std::size_t block_room = mebibyte + mebibyte / 8;

enum class Ending { complete, full, wrong_checksum, corrupt, cut };

/// One run over one member. Feed it output room until it is done.
class MemberInflater {
 public:
  MemberInflater() : state_(std::make_unique<inflate_state>()) {}

  void start(Bytes from) {
    // Zeros, not the last member's history: damaged data may point back before its own beginning, and ISA-L answers
    // with what its window held. What a member inflates to must not depend on the members before it.
    *state_ = inflate_state{};
    isal_inflate_init(state_.get());
    state_->crc_flag = ISAL_GZIP;
    begin_ = from.data();
    end_ = from.data() + from.size();
    // ISA-L does not write to its input; its interface only lacks the const.
    state_->next_in = reinterpret_cast<std::uint8_t*>(const_cast<std::byte*>(begin_));
    state_->avail_in = 0;
  }

  /// Inflates into `room`; `produced` bytes were written. `full`: call again with more room.
  Ending run(std::byte* room, std::size_t size, std::size_t& produced) {
    state_->next_out = reinterpret_cast<std::uint8_t*>(room);
    state_->avail_out = static_cast<std::uint32_t>(size);
    Ending ending = Ending::full;
    while (true) {
      if (state_->avail_in == 0) {
        constexpr std::size_t window = 256 * mebibyte;  // avail_in has 32 bits
        const auto* next = reinterpret_cast<const std::byte*>(state_->next_in);
        state_->avail_in =
            static_cast<std::uint32_t>(std::min<std::size_t>(window, static_cast<std::size_t>(end_ - next)));
      }
      const std::uint32_t room_before = state_->avail_out;
      const std::uint32_t input_before = state_->avail_in;
      const int code = isal_inflate(state_.get());
      if (code == ISAL_INCORRECT_CHECKSUM) {
        ending = Ending::wrong_checksum;
        break;
      }
      if (code != ISAL_DECOMP_OK) {
        ending = Ending::corrupt;
        break;
      }
      if (state_->block_state == ISAL_BLOCK_FINISH) {
        ending = Ending::complete;
        break;
      }
      if (state_->avail_out == 0) break;
      if (state_->avail_out == room_before && state_->avail_in == input_before) {
        ending = Ending::cut;
        break;
      }
    }
    produced = size - state_->avail_out;
    return ending;
  }

  [[nodiscard]] std::size_t consumed() const {
    return static_cast<std::size_t>(reinterpret_cast<const std::byte*>(state_->next_in) - begin_);
  }

 private:
  std::unique_ptr<inflate_state> state_;
  const std::byte* begin_ = nullptr;
  const std::byte* end_ = nullptr;
};

bool member_at(Bytes file, std::size_t at) {
  if (file.size() - at < header_size) return false;
  const std::byte* header = file.data() + at;
  const std::uint8_t flags = load_u8(header + 3);
  const std::uint8_t extra_flags = load_u8(header + 8);
  const std::uint8_t system = load_u8(header + 9);
  return load_u8(header) == 0x1f && load_u8(header + 1) == 0x8b && load_u8(header + 2) == 8 && flags < 0x20 &&
         (extra_flags == 0 || extra_flags == 2 || extra_flags == 4) && (system <= 13 || system == 255);
}

/// First place in [from, to) that looks like the start of a member; `to` if there is none.
std::size_t find_member(Bytes file, std::size_t from, std::size_t to) {
  for (std::size_t at = from; at < to;) {
    const void* found = std::memchr(file.data() + at, 0x1f, to - at);
    if (found == nullptr) return to;
    at = static_cast<std::size_t>(static_cast<const std::byte*>(found) - file.data());
    if (member_at(file, at)) return at;
    ++at;
  }
  return to;
}

/// A member inflated on the guess that it starts at `begin`.
struct Guess {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t size = 0;
  Ending ending = Ending::cut;
  std::unique_ptr<std::byte[]> bytes;  ///< block_room of them, made when first needed
};

class Inflation {
 public:
  Inflation(Bytes file, Spool& spool, DamageLog& damage, unsigned threads)
      : file_(file), spool_(spool), damage_(damage), workers_(std::max(1u, threads)), room_(mebibyte) {
    if (workers_.size() > 1) guesses_.resize(8 * workers_.size());
  }

  void run(const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
    while (at_ < file_.size()) {
      if (progress) progress(at_, file_.size());
      if (guesses_.empty() || wasted_ > 64 * mebibyte + 2 * spool_.size()) {
        one_member();
      } else {
        guess_members();
        use_guesses();
      }
    }
    if (progress) progress(file_.size(), file_.size());
  }

 private:
  // Inflates the candidates behind at_ side by side. Worker w takes w, w + workers, …: no shared state.
  void guess_members() {
    guess_count_ = 0;
    // Compressed members are hardly larger than inflated ones: look no further, one member may be the whole file.
    const std::size_t to = at_ + std::min(file_.size() - at_, guesses_.size() * block_room);
    for (std::size_t at = at_; at < to && guess_count_ < guesses_.size(); ++guess_count_) {
      guesses_[guess_count_].begin = at;
      at = find_member(file_, at + 1, to);
    }
    if (guess_count_ < 2) return;  // nothing to do side by side
    std::vector<std::thread> threads;
    for (std::size_t worker = 1; worker < workers_.size(); ++worker) {
      threads.emplace_back([this, worker] { inflate_guesses(worker); });
    }
    inflate_guesses(0);
    for (std::thread& thread : threads) thread.join();
  }

  void inflate_guesses(std::size_t worker) {
    for (std::size_t index = worker; index < guess_count_; index += workers_.size()) {
      Guess& guess = guesses_[index];
      if (!guess.bytes) guess.bytes = std::make_unique_for_overwrite<std::byte[]>(block_room);
      workers_[worker].start(file_.subspan(guess.begin));
      guess.ending = workers_[worker].run(guess.bytes.get(), block_room, guess.size);
      guess.end = guess.begin + workers_[worker].consumed();
    }
  }

  // Writes the guesses that begin where the member before ended; anything else is inflated in a stream.
  void use_guesses() {
    if (guess_count_ < 2) return one_member();
    for (std::size_t index = 0; index < guess_count_; ++index) {
      const Guess& guess = guesses_[index];
      if (guess.begin < at_) {
        wasted_ += guess.size;
      } else if (guess.begin == at_ && guess.ending == Ending::complete) {
        spool_.write({guess.bytes.get(), guess.size});
        at_ = guess.end;
      } else {
        for (; index < guess_count_; ++index) wasted_ += guesses_[index].size;
        return one_member();
      }
    }
  }

  void one_member() {
    if (!starts_member(at_)) return pass_garbage();
    const std::uint64_t begin = spool_.size();
    MemberInflater& inflater = workers_[0];
    inflater.start(file_.subspan(at_));
    Ending ending = Ending::full;
    while (ending == Ending::full) {
      std::size_t produced = 0;
      ending = inflater.run(room_.data(), room_.size(), produced);
      spool_.write({room_.data(), produced});
    }
    const std::string where = "gzip member at byte " + std::to_string(at_);
    if (ending == Ending::complete || ending == Ending::wrong_checksum) {
      if (ending == Ending::wrong_checksum) {
        damage_.add(begin, 0, where + ": checksum wrong, its " + std::to_string(spool_.size() - begin) + " bytes kept");
      }
      at_ += inflater.consumed();
      return;
    }
    if (ending == Ending::cut) {
      // The last member of a file that was cut, or a member so broken that it swallowed the ones behind it.
      const std::size_t good = spool_.size() == begin ? next_good_member(at_ + 1) : file_.size();
      damage_.add(spool_.size(), good == file_.size() ? 0 : good - at_, where + ": the compressed stream ends early");
      at_ = good;
      return;
    }
    const std::size_t good = next_good_member(at_ + 1);
    damage_.add(
        spool_.size(), good - at_,
        where + ": compressed data corrupt, kept what came before, next good member at byte " + std::to_string(good));
    at_ = good;
  }

  [[nodiscard]] bool starts_member(std::size_t at) const {
    return file_.size() - at >= 2 && load_u8(file_.data() + at) == 0x1f && load_u8(file_.data() + at + 1) == 0x8b;
  }

  // Between members: zeros are padding (tape blocks, RFC 1952 readers skip them), the rest is damage.
  void pass_garbage() {
    std::size_t good = at_;
    while (good < file_.size() && load_u8(file_.data() + good) == 0) ++good;
    if (good < file_.size() && !starts_member(good)) {
      good = next_good_member(good);
      damage_.add(spool_.size(), good - at_, "bytes that are not gzip behind a gzip member, ignored");
    }
    at_ = good;
  }

  // First member at or behind `from` that inflates for a while without an error. Hostile bytes could make every place
  // look like one, so the trials have a budget.
  std::size_t next_good_member(std::size_t from) {
    constexpr std::size_t enough = 64 * 1024;
    for (std::size_t at = find_member(file_, from, file_.size()); at < file_.size();
         at = find_member(file_, at + 1, file_.size())) {
      if (tried_ > 64 * mebibyte + 4 * file_.size()) return file_.size();
      workers_[0].start(file_.subspan(at));
      std::size_t produced = 0;
      const Ending ending = workers_[0].run(room_.data(), enough, produced);
      if (ending == Ending::complete || ending == Ending::full) return at;
      tried_ += produced + 4096;
    }
    return file_.size();
  }

  Bytes file_;
  Spool& spool_;
  DamageLog& damage_;
  std::vector<MemberInflater> workers_;
  std::vector<std::byte> room_;
  std::vector<Guess> guesses_;
  std::size_t guess_count_ = 0;
  std::size_t at_ = 0;
  std::uint64_t wasted_ = 0;  ///< inflated bytes of guesses that were none
  std::uint64_t tried_ = 0;   ///< inflated bytes of trials behind corrupt members
};

}  // namespace

bool looks_like(Bytes head) {
  return head.size() >= 2 && load_u8(head.data()) == 0x1f && load_u8(head.data() + 1) == 0x8b;
}

void inflate(Bytes file, Spool& spool, DamageLog& damage, unsigned threads,
             const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  Inflation(file, spool, damage, threads).run(progress);
}

std::string inflate_head(Bytes file, std::size_t limit) {
  std::string head;
  MemberInflater inflater;
  while (looks_like(file) && head.size() < limit) {
    inflater.start(file);
    const std::size_t before = head.size();
    head.resize(limit);
    std::size_t produced = 0;
    const Ending ending = inflater.run(reinterpret_cast<std::byte*>(head.data()) + before, limit - before, produced);
    head.resize(before + produced);
    if (ending != Ending::complete) break;
    file = file.subspan(inflater.consumed());
  }
  return head;
}

}  // namespace formats::gzip
