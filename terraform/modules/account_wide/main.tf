# The settings that an account has once in each Region. A setting is written only if a
# value for it is given. `make destroy` takes this whole module out of the state first, so
# that the account keeps its settings.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id
}
