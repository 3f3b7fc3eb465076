// The directives of Squid that need no counterpart here, each with its reason, and those that have none, each with what to
// do instead. The translator looks here for whatever no translator of its own takes.

import type { NoteKind } from './note.ts';

export interface Remark {
  readonly kind: NoteKind;
  readonly why: string;
  readonly todo: string;
}

const idle = (why: string, todo = ''): Remark => ({ kind: 'not-needed', why, todo });
const lost = (why: string, todo: string): Remark => ({ kind: 'lost', why, todo });

const CACHE = idle('nothing is cached here, so there is nothing to size, keep or refresh');
const HELPER = idle(
  'certificates are signed in the process itself: no helper, no database, nothing to initialise or to crash',
);
const SIBLINGS = idle('there are no sibling caches to ask');
const FTP = idle('FTP is not spoken here');
const SNMP = lost('there is no SNMP', 'read /metrics or the manager reports instead');
const TUNING = idle('buffers and tables look after themselves here');
const ICAP = lost(
  'content is not passed to ICAP or eCAP services',
  'keep a proxy that does behind this one, as a parent',
);
const REWRITE = lost('URLs are not rewritten by helpers', 'send clients to the other URL, or deny this one');
const DELAY = lost('bandwidth is not shaped', 'shape it where the packets pass');
const WCCP = lost('WCCP is not spoken', 'redirect with the firewall to a listener with "transparent: true"');
const HEADERS = lost(
  'header fields are not added, removed or replaced by rule',
  'X-Forwarded-For is never sent, and hop-by-hop fields never pass',
);
const PACKETS = lost(
  'packets are neither marked nor given another source address',
  'do it in the firewall of this machine',
);
const PAGES = lost('error pages are our own', 'put pages of your own into the folder of "pages"');
const SERVICE = idle('the service manager does this', 'set user, group, umask and limits in the systemd unit');

const TABLE: readonly (readonly [Remark, string])[] = [
  [
    CACHE,
    'cache cache_dir cache_mem cache_replacement_policy cache_swap_high cache_swap_low cache_swap_state cache_store_log cache_vary ' +
      'cache_miss_revalidate collapsed_forwarding collapsed_forwarding_access maximum_object_size maximum_object_size_in_memory ' +
      'max_open_disk_fds max_stale memory_cache_mode memory_cache_shared memory_replacement_policy minimum_expiry_time ' +
      'minimum_object_size negative_ttl offline_mode quick_abort_max quick_abort_min quick_abort_pct range_offset_limit ' +
      'read_ahead_gap refresh_all_ims refresh_pattern refresh_stale_hit reload_into_ims send_hit store_avg_object_size ' +
      'store_dir_select_algorithm store_id_access store_id_bypass store_id_children store_id_extras store_id_program store_miss ' +
      'store_objects_per_bucket shared_transient_entries_limit vary_ignore_expire broken_vary_encoding ie_refresh diskd_program ' +
      'unlinkd_program hierarchy_stoplist storeurl_rewrite_program storeurl_rewrite_children ignore_ims_on_miss',
  ],
  [
    HELPER,
    'sslcrtd_program sslcrtd_children ssl_engine sslpassword_program sslproxy_cert_sign_hash dynamic_cert_mem_cache_size',
  ],
  [
    SIBLINGS,
    'icp_access icp_hit_stale icp_port icp_query_timeout htcp_access htcp_clr_access htcp_port log_icp_queries ' +
      'maximum_icp_query_timeout minimum_icp_query_timeout mcast_groups mcast_icp_query_timeout mcast_miss_addr mcast_miss_port ' +
      'mcast_miss_ttl mcast_miss_encode_key digest_bits_per_entry digest_generation digest_rebuild_chunk_percentage ' +
      'digest_rebuild_period digest_rewrite_period digest_swapout_chunk_size minimum_direct_hops minimum_direct_rtt netdb_filename ' +
      'netdb_high netdb_low netdb_ping_period query_icmp test_reachability background_ping_rate pinger_enable pinger_program ' +
      'neighbor_type_domain udp_incoming_address udp_outgoing_address dead_peer_timeout announce_file announce_host ' +
      'announce_period announce_port',
  ],
  [
    FTP,
    'ftp_client_idle_timeout ftp_epsv ftp_epsv_all ftp_eprt ftp_passive ftp_port ftp_sanitycheck ftp_telnet_protocol ftp_user ftp_list_width wais_relay_host wais_relay_port as_whois_server',
  ],
  [SNMP, 'snmp_access snmp_incoming_address snmp_outgoing_address snmp_port'],
  [
    TUNING,
    'accept_filter balance_on_multiple_ip buffered_logs client_db client_request_buffer_max_size cpu_affinity_map fqdncache_size ' +
      'half_closed_clients high_memory_warning high_page_fault_warning high_response_time_warning incoming_dns_average ' +
      'incoming_tcp_average incoming_udp_average incoming_rate ipcache_high ipcache_low ipcache_size logfile_daemon ' +
      'memory_pools memory_pools_limit min_dns_poll_cnt min_tcp_poll_cnt min_udp_poll_cnt pipeline_prefetch ' +
      'shared_memory_locking sleep_after_fork stats_collection tcp_recv_bufsize hopeless_kid_revival_delay dns_packet_max ' +
      'detect_broken_pconn windows_ipaddrchangemonitor max_filedescriptors happy_eyeballs_connect_gap ' +
      'happy_eyeballs_connect_limit happy_eyeballs_connect_timeout server_pconn_for_nonretriable loadable_modules ' +
      'client_persistent_connections server_persistent_connections persistent_connection_after_error server_http11 ' +
      'connect_retries forward_max_tries retry_on_error maximum_single_addr_tries',
  ],
  [
    ICAP,
    'adaptation_access adaptation_masterx_shared_names adaptation_meta adaptation_send_client_ip adaptation_send_username ' +
      'adaptation_service_chain adaptation_service_iteration_limit adaptation_service_set adaptation_uses_indirect_client ' +
      'ecap_service icap_206_enable icap_access icap_class icap_client_username_encode icap_client_username_header ' +
      'icap_connect_timeout icap_default_options_ttl icap_io_timeout icap_log icap_persistent_connections ' +
      'icap_preview_enable icap_preview_size icap_retry icap_retry_limit icap_service icap_service_failure_limit ' +
      'icap_service_revival_delay log_icap force_request_body_continuation esi_parser',
  ],
  [
    REWRITE,
    'location_rewrite_program redirect_children redirector_access url_rewrite_access url_rewrite_bypass ' +
      'url_rewrite_children url_rewrite_concurrency url_rewrite_extras url_rewrite_host_header url_rewrite_timeout',
  ],
  [
    DELAY,
    'client_delay_access client_delay_initial_bucket_level client_delay_parameters client_delay_pools delay_access delay_class ' +
      'delay_initial_bucket_level delay_parameters delay_pool_uses_indirect_client delay_pools response_delay_pool response_delay_pool_access',
  ],
  [
    WCCP,
    'wccp2_address wccp2_assignment_method wccp2_forwarding_method wccp2_rebuild_wait wccp2_return_method wccp2_router ' +
      'wccp2_service wccp2_service_info wccp2_weight wccp_address wccp_router wccp_version',
  ],
  [
    HEADERS,
    'header_access header_replace http_header_access http_accel_surrogate_remote httpd_accel_surrogate_id note ' +
      'reply_header_access reply_header_add reply_header_replace request_header_access request_header_add request_header_replace',
  ],
  [
    PACKETS,
    'clientside_tos mark_client_connection mark_client_packet qos_flows spoof_client_ip tcp_outgoing_address tcp_outgoing_mark tcp_outgoing_tos tproxy_uses_indirect_client zph_local zph_mode',
  ],
  [
    PAGES,
    'err_html_text err_page_stylesheet email_err_data error_default_language error_log_languages error_map icon_directory short_icon_urls mime_table global_internal_static',
  ],
  [SERVICE, 'cache_effective_group cache_effective_user chroot umask coredump_dir mail_from mail_program'],
  [
    idle('the service log goes to standard error, where the service manager keeps it'),
    'cache_log debug_options log_fqdn',
  ],
  [
    idle('the operator reads who runs the proxy from its own pages'),
    'unique_hostname hostname_aliases httpd_suppress_version_string',
  ],
  [
    idle('messages are always read strictly here'),
    'relaxed_header_parser uri_whitespace check_hostnames allow_underscore broken_posts request_entities extension_methods ignore_expect_100 upgrade_http0.9',
  ],
  [
    idle('this is always so here, and stricter: CONNECT, server name and Host have to be the same'),
    'host_verify_strict client_dst_passthru',
  ],
  [
    idle('bodies are passed on as they come, at any size, and nothing is held'),
    'reply_header_max_size request_header_max_size chunked_request_body_max_size',
  ],
  [idle('clients are not asked for their name by ident'), 'ident_lookup_access ident_timeout eui_lookup'],
  [
    idle('passwords that were checked are remembered for ten minutes'),
    'authenticate_cache_garbage_interval authenticate_ttl authenticate_ip_ttl auth_schemes',
  ],
  [
    lost('external helpers are not asked', 'decide by client, user or group'),
    'external_acl_type external_refresh_check',
  ],
  [
    lost(
      'X-Forwarded-For of clients is not believed',
      'have the proxy in front send the PROXY protocol: "proxyProtocol: { from: [...] }"',
    ),
    'log_uses_indirect_client',
  ],
  [
    lost('a search domain is not added to names', 'write names in full'),
    'append_domain dns_defnames dns_multicast_local',
  ],
  [
    idle('DNS is asked with deadlines of its own'),
    'dns_retransmit_interval dns_timeout dns_testnames dns_v4_fallback dns_v4_first ignore_unknown_nameservers negative_dns_ttl dns_children',
  ],
  [idle('a connection may live as long as something moves on it'), 'client_lifetime pconn_lifetime forward_timeout'],
  [lost('the client address is logged in full', 'mask it where the log is read'), 'client_netmask'],
  [
    lost('there is no log of requests to origins alone', 'take the access log: what went to an origin has its address'),
    'forward_log',
  ],
  [
    lost('origins are not validated by a helper', 'put roots into upstream.trust, revocation lists into upstream.crl'),
    'sslcrtvalidator_children',
  ],
  [
    idle('what an origin cannot prove is never minted, so there is nothing to adapt or to sign otherwise'),
    'sslproxy_cert_adapt sslproxy_cert_sign',
  ],
  [
    idle('TLS to origins is 1.2 or 1.3 with the suites of today'),
    'sslproxy_cipher sslproxy_options sslproxy_version sslproxy_session_cache_size sslproxy_session_ttl ssl_unclean_shutdown',
  ],
  [
    idle('the intermediates that origins send are enough; certificates are not fetched'),
    'sslproxy_foreign_intermediate_certs',
  ],
  [idle('it is read where it stands'), 'configuration_includes_quoted_values'],
];

const REMARKS: ReadonlyMap<string, Remark> = new Map(
  TABLE.flatMap(([remark, names]) => names.split(' ').map((name) => [name, remark] as const)),
);

export function remarkOn(directive: string): Remark | undefined {
  return REMARKS.get(directive);
}

export const REMARKED: readonly string[] = [...REMARKS.keys()];
