variable "name" {
  description = "Prefix of the roles' names."
  type        = string
}

variable "delivery_logs" {
  description = "Whether SNS logs every delivery: its role, its sampling rate and its two log groups."
  type        = bool
}

variable "monthly_spend_limit_usd" {
  description = "SNS's spend limit. Null leaves the limit as it is."
  type        = number
}

variable "default_sender_id" {
  description = "SNS's sender id for messages without one. Null leaves this setting as it is."
  type        = string
}

variable "api_gateway_log_role" {
  description = "Whether to set the role with which API Gateway writes logs."
  type        = bool
}

variable "log_groups" {
  description = "Names of SNS's log groups, by the keys success and failure."
  type        = map(string)
}

variable "retention_days" {
  description = "Days that SNS's log groups keep their entries."
  type        = number
}

variable "kms_key_arn" {
  description = "Key that encrypts SNS's log groups; null means AWS's. It must outlive the deployment."
  type        = string
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds the roles, or null."
  type        = string
}
