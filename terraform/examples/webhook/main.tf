# A deployment with bus events. webhook.tf calls a webhook for some of them.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}

variable "webhook_key" {
  description = "Secret that is sent to the webhook in the header X-Api-Key."
  type        = string
  sensitive   = true
}

variable "package_digests" {
  description = "Digests of that release, from its digests.tfvars.json."
  type        = map(string)
}

module "smsqueue" {
  source = "../.."

  packages          = "s3://example-releases/smsqueue/1.0.0"
  package_digests   = var.package_digests
  allowed_countries = ["DE"]
  clients           = { shop = {} }
  sms_preferences   = { delivery_logs = true } # without them, no message becomes delivered
  events            = true
}
