// FaultyWal: a Wal that fails where a test says. For tests only.
//
//   FaultyWal wal(std::make_shared<MemoryWal>());
//   wal.faults().FailAt(2, FaultKind::kErrorAfterEffect);  // the 2nd operation is written, but its
//   caller is told kIo
#pragma once

#include <memory>
#include <utility>

#include "base/fault_plan.h"
#include "wal/wal.h"

namespace varve {

// Thread-safe. Each Append, Replay, Truncate, Drop, ReleaseSpace and Close is one
// operation. An operation that
// fails is kIo, with or without its effect: a log's caller must be ready for both.
class FaultyWal final : public Wal {
 public:
  explicit FaultyWal(std::shared_ptr<Wal> inner) : inner_(std::move(inner)) {}

  FaultPlan& faults() { return faults_; }
  uint64_t operations() const { return faults_.operations(); }
  // Ends a crash. What the inner log holds is there again.
  void Restart() { faults_.Restart(); }

  Status Append(std::span<const WalEntry> entries) override;
  Status Replay(TableId table, Sequence after,
                const std::function<Status(Sequence, std::string_view payload)>& apply) override;
  Status Truncate(TableId table, Sequence up_to) override;
  Status Drop(TableId table) override;
  Status ReleaseSpace() override;
  WalStats stats() const override { return inner_->stats(); }
  Status Close() override;

 private:
  template <class Effect>
  Status Run(std::string_view what, Effect effect);

  const std::shared_ptr<Wal> inner_;
  FaultPlan faults_;
};

}  // namespace varve
