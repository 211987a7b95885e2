// Catalogue: which schemas and tables there are. One more log of versions, under `catalogue/log/`;
// a table's columns, options and files are in its own TableLog. It also keeps the file FORMAT,
// which makes a store one of Varve's. catalogue_format.h says what is in the files.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "meta/catalogue_version.h"
#include "store/object_store.h"

namespace varve {

struct CatalogueTraits;
template <class Traits>
class VersionLog;

// Thread-safe. `current` never waits for I/O. Names: case counts. The store and the clock outlive
// it.
//
// Errors of what changes it, besides those named: kInvalidArgument for a bad name; kUnknownOutcome:
// it may have happened: open the catalogue again to see; kConflict (others were faster too often),
// kIo, kResourceExhausted: nothing happened.
class Catalogue {
 public:
  // Opens the catalogue of the store; an empty store gets one with the schema `public`. Checks the
  // FORMAT file of the store (written on creation, before anything else). Errors: kCorruption that
  // names the file and what to do, also when FORMAT or the catalogue is missing and tables are
  // there; kNotSupported (newer format); kIo; kUnknownOutcome: try again.
  static Result<std::unique_ptr<Catalogue>> Open(ObjectStore& store, const Clock& clock,
                                                 IdSource& ids);
  ~Catalogue();

  // The identity of the database, given once.
  const Uuid& db_uuid() const { return db_uuid_; }

  std::shared_ptr<const CatalogueVersion> current() const;

  // A table whose log exists already.
  struct NewTable {
    Uuid uuid;
    std::vector<Uuid> shares = {};  // TableEntry::shares
  };
  // Adds the table, with the next table id. Errors: kAlreadyExists (name or uuid), kNotFound
  // (schema).
  Result<TableEntry> AddTable(std::string_view schema, std::string_view name, NewTable table);
  // The same of a partitioned table and its partitions, at once and in order.
  Result<TableEntry> AddPartitionedTable(std::string_view schema, std::string_view name,
                                         NewTable table, Partitioning partitioning,
                                         const std::vector<NewTable>& partitions);
  // With its partitions. It can be restored until `kept_until`, and until PurgeTables; nullopt: its
  // files stay until GC finds that nothing needs them. Its id is not given again. Errors:
  // kNotFound; kInvalidArgument for a partition.
  Result<TableEntry> RemoveTable(std::string_view schema, std::string_view name,
                                 const std::optional<TimestampUs>& kept_until);
  // The dropped table is there again, with its partitions, under that name; all of them are
  // returned, it first. Errors: kNotFound (the table, its schema), kAlreadyExists (the name).
  Result<std::vector<TableEntry>> RestoreTable(TableId table, std::string_view name);
  // The dropped tables that are not kept any more are gone, with their partitions, which are
  // returned too. None: nothing is committed.
  Result<std::vector<TableEntry>> PurgeTables();
  // The table keeps its id, its files and its log; its partitions are renamed with it. Errors:
  // kNotFound; kAlreadyExists for a name that a table or a view has; kInvalidArgument for a
  // partition.
  Status RenameTable(std::string_view schema, std::string_view from, std::string_view to);

  enum class OnExisting : uint8_t { kFail, kReplace };
  // Adds the view, or puts it in the place of the one of that name; `created_at` is set here.
  // Errors: kAlreadyExists (a table, or a view that is not to be replaced), kNotFound (schema).
  Status SetView(ViewEntry view, OnExisting on_existing);
  // Errors: kNotFound.
  Status RemoveView(std::string_view schema, std::string_view name);

  // Errors: kAlreadyExists.
  Status AddSchema(std::string_view schema);
  // Errors: kNotFound; kInvalidArgument when it holds tables or views or is `public`.
  Status RemoveSchema(std::string_view schema);

 private:
  Catalogue(const Clock& clock, const Uuid& db_uuid,
            std::unique_ptr<VersionLog<CatalogueTraits>> log);

  const Clock& clock_;
  const Uuid db_uuid_;
  const std::unique_ptr<VersionLog<CatalogueTraits>> log_;
};

}  // namespace varve
