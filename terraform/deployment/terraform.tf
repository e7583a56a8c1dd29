# The root that `make deploy` applies. Its variables are those of the module in
# the parent folder: name them in terraform.tfvars. Region and credentials come
# from the environment.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100" # what the tests apply
    }
  }
}

provider "aws" {
  default_tags {
    tags = var.tags
  }
}
