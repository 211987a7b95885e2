#include "wal/faulty_wal.h"

namespace varve {

template <class Effect>
Status FaultyWal::Run(std::string_view what, Effect effect) {
  const FaultVerdict verdict = faults_.Next();
  if (verdict == FaultVerdict::kFail) {
    return Io("injected: {} failed, nothing was done", what);
  }
  VARVE_TRY(effect());
  if (verdict == FaultVerdict::kFailAfterEffect) {
    return Io("injected: {} was done, but its answer is lost", what);
  }
  return {};
}

Status FaultyWal::Append(std::span<const WalEntry> entries) {
  return Run("Append", [&] { return inner_->Append(entries); });
}

Status FaultyWal::Replay(TableId table, Sequence after,
                         const std::function<Status(Sequence, std::string_view payload)>& apply) {
  return Run("Replay", [&] { return inner_->Replay(table, after, apply); });
}

Status FaultyWal::Truncate(TableId table, Sequence up_to) {
  return Run("Truncate", [&] { return inner_->Truncate(table, up_to); });
}

Status FaultyWal::Drop(TableId table) {
  return Run("Drop", [&] { return inner_->Drop(table); });
}

Status FaultyWal::ReleaseSpace() {
  return Run("ReleaseSpace", [&] { return inner_->ReleaseSpace(); });
}

Status FaultyWal::Close() {
  return Run("Close", [&] { return inner_->Close(); });
}

}  // namespace varve
