// Damage that a reader of a format found → rows of the snapshot.
#pragma once

#include "formats/damage_log.h"
#include "queries/snapshot.h"

namespace importers {

inline void take_damage(const formats::DamageLog& damage, queries::Snapshot& snapshot) {
  for (const formats::Damage& entry : damage.entries()) {
    snapshot.damage.push_back({entry.offset, entry.bytes, entry.what});
  }
  snapshot.damage_count += damage.count();
  snapshot.damaged_bytes += damage.bytes();
}

}  // namespace importers
