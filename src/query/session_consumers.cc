// CALL create_consumer, reset_consumer, delete_consumer.
#include "query/change_names.h"
#include "query/session_internal.h"

namespace varve {

Result<QueryResult> SessionImpl::Run(const ConsumerStatement& statement) {
  VARVE_ASSIGN(const ResolvedName name, Resolve(statement.name));
  VARVE_ASSIGN(const auto table, FindTableWithChanges(database(), name.schema, name.table));
  if (statement.action == ConsumerStatement::Action::kDelete) {
    VARVE_TRY(table->DropConsumer(statement.consumer));
    return AffectedRows{0};
  }
  VersionId position = table->current_version();
  if (statement.version) {
    VARVE_ASSIGN(const VersionRef ref, ParseVersionText(*statement.version));
    VARVE_ASSIGN(position, table->FindChangesStart(ref));
  }
  VARVE_ASSIGN(const Consumer consumer, statement.action == ConsumerStatement::Action::kCreate
                                            ? table->CreateConsumer(statement.consumer, position)
                                            : table->ResetConsumer(statement.consumer, position));
  return TableOf({{"consumer", StringArray({consumer.name})},
                  {"next_snapshot_id", UInt64Array({consumer.next_snapshot_id.value()})}});
}

}  // namespace varve
