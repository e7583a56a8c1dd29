# The variables of the module, which describes and checks them. Null means the
# module's default.

variable "alarm_actions" {
  description = "See the module."
  type        = any
  default     = null
}

variable "allowed_countries" {
  description = "See the module."
  type        = any
}

variable "api" {
  description = "See the module."
  type        = any
  default     = null
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
}

variable "logs" {
  description = "See the module."
  type        = any
  default     = null
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
}

variable "monitoring" {
  description = "See the module."
  type        = any
  default     = null
}

variable "name" {
  description = "See the module."
  type        = string
  default     = null
}

variable "number_types" {
  description = "See the module."
  type        = any
  default     = null
}

variable "package_digests" {
  description = "See the module."
  type        = any
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
}

variable "sms_preferences" {
  description = "See the module."
  type        = any
  default     = null
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
  description = "Log groups of SNS that exist already, by name, to take over instead of creating them. They are taken over only if sms_preferences has delivery_logs."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for group in var.existing_log_groups : can(regex("^sns/[a-z0-9-]+/[0-9]{12}/DirectPublishToPhoneNumber(/Failure)?$", group))])
    error_message = "Write each of existing_log_groups as SNS names its groups: sns/eu-central-1/123456789012/DirectPublishToPhoneNumber, or the same with /Failure."
  }
}
