# Shared by all services: names, zips and settings.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id

  services = toset(concat(["api", "sender", "relay"], local.receipts ? ["receipts"] : []))

  source  = var.packages == null ? "${path.module}/../dist" : var.packages
  release = startswith(local.source, "s3://") ? regex("^s3://(?P<bucket>[^/]+)/(?P<prefix>.+)$", local.source) : null
  packages = {
    for s in local.services : s => local.release == null ? {
      file   = "${local.source}/${s}.zip"
      hash   = try(filebase64sha256("${local.source}/${s}.zip"), null) # a check in variables.tf reports a missing zip
      bucket = null
      key    = null
      } : {
      file   = null
      hash   = null
      bucket = local.release.bucket
      key    = "${local.release.prefix}/${s}.zip"
    }
  }
}

locals {
  logs = {
    level          = var.logs.level
    retention_days = var.logs.retention_days
    kms_key_arn    = local.kms_key
  }

  # Settings that every service must agree on.
  rules = {
    VALIDITY_HOURS         = var.messages.validity_hours
    RETENTION_DAYS         = var.messages.retention_days
    MAX_ATTEMPTS           = var.messages.max_attempts
    SENDER_TIMEOUT_SECONDS = var.sender.timeout_seconds
    SEVERAL_OWNERS         = length(toset([for name, c in var.clients : coalesce(c.owner, name)])) > 1
  }
}
