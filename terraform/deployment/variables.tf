# The variables of the module, which describes and checks them. Null means the module's
# default. If an object has a member that its type lacks, Terraform drops this member
# without an error. So objects have the type any here, and validations check their members.

variable "alarm_actions" {
  description = "See the module."
  type        = list(string)
  default     = null
}

variable "allowed_countries" {
  description = "See the module."
  type        = list(string)
}

variable "api" {
  description = "See the module."
  type        = any
  default     = null

  validation {
    condition     = var.api == null ? true : try(length(setsubtract(keys(var.api), ["allowed_origin", "burst", "longest_wait_seconds", "requests_per_second", "reserved_concurrency"])) == 0, false)
    error_message = "Set only these members of api, because others would be ignored: allowed_origin, burst, longest_wait_seconds, requests_per_second, reserved_concurrency."
  }
}

variable "architecture" {
  description = "See the module."
  type        = string
  default     = null
}

variable "clients" {
  description = "See the module."
  type        = any
  default     = null

  validation {
    condition     = var.clients == null ? true : try(alltrue([for one in values(var.clients) : length(setsubtract(keys(one), ["allowed_countries", "messages_per_recipient_hour", "owner", "parts_per_day", "scopes"])) == 0]), false)
    error_message = "Set only these members of each of clients, because others would be ignored: allowed_countries, messages_per_recipient_hour, owner, parts_per_day, scopes."
  }
}

variable "concurrent_executions" {
  description = "See the module."
  type        = number
  default     = null
}

variable "default_country" {
  description = "See the module."
  type        = string
  default     = null
}

variable "deletion_protection" {
  description = "See the module."
  type        = bool
  default     = null
}

variable "events" {
  description = "See the module."
  type        = bool
  default     = null
}

variable "kms_key_arn" {
  description = "See the module."
  type        = string
  default     = null
}

variable "limits" {
  description = "See the module."
  type        = any
  default     = null

  validation {
    condition     = var.limits == null ? true : try(length(setsubtract(keys(var.limits), ["messages_per_recipient_hour", "parts_per_day"])) == 0, false)
    error_message = "Set only these members of limits, because others would be ignored: messages_per_recipient_hour, parts_per_day."
  }
}

variable "logs" {
  description = "See the module."
  type        = any
  default     = null

  validation {
    condition     = var.logs == null ? true : try(length(setsubtract(keys(var.logs), ["level", "retention_days"])) == 0, false)
    error_message = "Set only these members of logs, because others would be ignored: level, retention_days."
  }
}

variable "manage_api_gateway_log_role" {
  description = "See the module."
  type        = bool
  default     = null
}

variable "messages" {
  description = "See the module."
  type        = any
  default     = null

  validation {
    condition     = var.messages == null ? true : try(length(setsubtract(keys(var.messages), ["max_attempts", "retention_days", "validity_hours"])) == 0, false)
    error_message = "Set only these members of messages, because others would be ignored: max_attempts, retention_days, validity_hours."
  }
}

variable "monitoring" {
  description = "See the module."
  type        = any
  default     = null

  validation {
    condition     = var.monitoring == null ? true : try(length(setsubtract(keys(var.monitoring), ["dashboard", "detailed_metrics", "tracing"])) == 0, false)
    error_message = "Set only these members of monitoring, because others would be ignored: dashboard, detailed_metrics, tracing."
  }
}

variable "name" {
  description = "See the module."
  type        = string
  default     = null
}

variable "number_types" {
  description = "See the module."
  type        = list(string)
  default     = null
}

variable "package_digests" {
  description = "See the module."
  type        = map(string)
  default     = null
}

variable "packages" {
  description = "See the module."
  type        = string
  default     = null
}

variable "permissions_boundary" {
  description = "See the module."
  type        = string
  default     = null
}

variable "receipts" {
  description = "See the module."
  type        = bool
  default     = null
}

variable "sender" {
  description = "See the module."
  type        = any
  default     = null

  validation {
    condition     = var.sender == null ? true : try(length(setsubtract(keys(var.sender), ["concurrency", "parts_per_second", "timeout_seconds"])) == 0, false)
    error_message = "Set only these members of sender, because others would be ignored: concurrency, parts_per_second, timeout_seconds."
  }
}

variable "sms_preferences" {
  description = "See the module."
  type        = any
  default     = null

  validation {
    condition     = var.sms_preferences == null ? true : try(length(setsubtract(keys(var.sms_preferences), ["default_sender_id", "delivery_logs", "monthly_spend_limit_usd"])) == 0, false)
    error_message = "Set only these members of sms_preferences, because others would be ignored: default_sender_id, delivery_logs, monthly_spend_limit_usd."
  }
}

variable "strict_numbers" {
  description = "See the module."
  type        = bool
  default     = null
}

# The variables of this folder.

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
  default     = { service = "smsqueue" }
  nullable    = false
}

variable "existing_log_groups" {
  description = "Names of SNS's log groups that exist already. The deployment takes these groups over instead of creating them, but only if sms_preferences has delivery_logs."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for group in var.existing_log_groups : can(regex("^sns/[a-z0-9-]+/[0-9]{12}/DirectPublishToPhoneNumber(/Failure)?$", group))])
    error_message = "Write each of existing_log_groups as SNS names its groups: sns/eu-central-1/123456789012/DirectPublishToPhoneNumber, or the same with /Failure."
  }
}
