#include "engine/read_view.h"

namespace varve {

Result<std::shared_ptr<const DeletionVector>> ReadView::Deleted(const FileMeta& file) const {
  const auto found = replaced.find(file.id);
  if (!file.deletion_vector) {
    return found == replaced.end() ? nullptr : found->second;
  }
  VARVE_ASSIGN(auto committed, files->Deletions(file.id, *file.deletion_vector));
  if (found == replaced.end()) {
    return committed;
  }
  return std::make_shared<const DeletionVector>(committed->Union(*found->second));
}

}  // namespace varve
