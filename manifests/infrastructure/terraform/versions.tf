# The provider's hashes are written by `terraform init` into .terraform.lock.hcl, which is then committed.
terraform {
  required_version = ">= 1.9.0, < 2.0.0"

  required_providers {
    openstack = {
      source  = "terraform-provider-openstack/openstack"
      version = "3.4.0"
    }
  }
}

# An entry of clouds.yaml, which is looked for here, in ~/.config/openstack and in /etc/openstack: no account is in this folder.
provider "openstack" {
  cloud = var.cloud
}
