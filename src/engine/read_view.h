// ReadView: everything a reader needs of one table at one moment: a version (its files cannot be
// deleted while the view lives) and the rows that are in no file of that version yet. Each row is
// in exactly one of them.
#pragma once

#include <memory>
#include <vector>

#include "engine/memtable.h"
#include "meta/version.h"

namespace varve {

struct ReadView {
  std::shared_ptr<const Version> version;
  // Not older than version->schema: files of the version and rows in memory are read with this one.
  std::shared_ptr<const TableSchema> schema;
  std::vector<std::shared_ptr<const MemtableView>> memtables;  // oldest first; none is empty
};

}  // namespace varve
