# What scripts/make_inventory.py makes Ansible's inventory of.
output "nodes" {
  description = "Nodes by name, with their addresses in the private network."
  value       = { for name, port in openstack_networking_port_v2.node : name => port.all_fixed_ips[0] }
}

output "floating_ip" {
  description = "Public address of node1: visitors, and SSH on the way to all nodes."
  value       = openstack_networking_floatingip_associate_v2.node1.floating_ip
}

output "ssh_user" {
  description = "Account on the nodes."
  value       = var.ssh_user
}

output "private_cidr" {
  description = "The nodes' own network."
  value       = openstack_networking_subnet_v2.private.cidr
}

output "volume_id" {
  description = "The volume that stays: for the teardown, and to take it over again."
  value       = openstack_blockstorage_volume_v3.data.id
}
