# One deployment in each of two Regions of an account, with the state in a bucket. Each
# has its own table, clients and addresses: nothing moves from one to the other.
#
# Outside this repository, the source of the modules is
#
#   git::https://github.com/smsqueue/smsqueue.git//terraform?ref=VERSION
#
# and packages is the bucket with the uploaded release. Lambda reads packages only
# from a bucket in its own Region.

terraform {
  backend "s3" {
    bucket       = "example-terraform-state" # must be versioned and encrypted: the state contains the clients' secrets
    key          = "smsqueue.tfstate"
    region       = "eu-central-1"
    encrypt      = true
    use_lockfile = true
  }

  required_version = ">= 1.10" # use_lockfile

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}

variable "packages" {
  description = "Location of the release in each Region."
  type        = object({ frankfurt = string, virginia = string })
  default = {
    frankfurt = "s3://example-releases-eu-central-1/smsqueue/1.0.0"
    virginia  = "s3://example-releases-us-east-1/smsqueue/1.0.0"
  }
}

variable "package_digests" {
  description = "Digests of the release, from its digests.tfvars.json."
  type        = map(string)
  default     = {}
}

variable "deletion_protection" {
  description = "Protects the tables and the clients from being destroyed."
  type        = bool
  default     = true
}

provider "aws" {
  alias  = "frankfurt"
  region = "eu-central-1"

  default_tags {
    tags = { service = "smsqueue" }
  }
}

provider "aws" {
  alias  = "virginia"
  region = "us-east-1"

  default_tags {
    tags = { service = "smsqueue" }
  }
}

module "frankfurt" {
  source    = "../.."
  providers = { aws = aws.frankfurt }

  packages            = var.packages.frankfurt
  package_digests     = var.package_digests
  allowed_countries   = ["DE", "AT"]
  default_country     = "DE"
  clients             = { shop = { owner = "shop" } }
  deletion_protection = var.deletion_protection
}

module "virginia" {
  source    = "../.."
  providers = { aws = aws.virginia }

  packages            = var.packages.virginia
  package_digests     = var.package_digests
  allowed_countries   = ["US"]
  default_country     = "US"
  clients             = { shop = { owner = "shop" } }
  deletion_protection = var.deletion_protection
}

output "api_urls" {
  description = "Base URL of each API."
  value = {
    frankfurt = module.frankfurt.api_url
    virginia  = module.virginia.api_url
  }
}
