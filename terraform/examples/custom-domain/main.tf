# A deployment under a domain of its own, such as https://api.example.com/sms/v1. The links
# in answers begin with the path that the client used.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}

variable "domain_name" {
  description = "The domain, such as api.example.com."
  type        = string
}

variable "certificate_arn" {
  description = "ARN of an issued ACM certificate for the domain, in the same Region."
  type        = string
}

variable "base_path" {
  description = "The part before /sms in the API's paths, without slashes at its ends. It can have several segments. \"\" means that nothing comes before /sms."
  type        = string
  default     = "sms/v1"
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
}

resource "aws_api_gateway_domain_name" "this" {
  domain_name              = var.domain_name
  regional_certificate_arn = var.certificate_arn
  security_policy          = "TLS_1_2" # base paths of several segments need it

  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

# aws_api_gateway_base_path_mapping accepts a path of one segment only. This resource
# accepts several segments, and works for REST APIs too.
resource "aws_apigatewayv2_api_mapping" "this" {
  api_id          = module.smsqueue.rest_api_id
  stage           = module.smsqueue.stage_name
  domain_name     = aws_api_gateway_domain_name.this.domain_name
  api_mapping_key = var.base_path
}

output "api_url" {
  description = "Base URL of the API under the domain."
  value       = join("/", compact(["https://${var.domain_name}", var.base_path]))
}

output "dns" {
  description = "What the domain must point to: an alias record (name and zone) or a CNAME record (name)."
  value = {
    name    = aws_api_gateway_domain_name.this.regional_domain_name
    zone_id = aws_api_gateway_domain_name.this.regional_zone_id
  }
}
