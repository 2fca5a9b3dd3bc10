-- Counts what clients got of each arm, by the answer that leaves: HAProxy's own 502, 503 and 504 are among them, which
-- no server that died could count. A unit is a session, else an API key, else a request; each counts once a step, and
-- a step ends when the share changes. What a server resets while it is sent, or breaks off, HAProxy leaves without an
-- answer: it is counted from HAProxy's own figures, a unit each, for these do not say whose it was. Loaded by haproxy.cfg (serving/canary/haproxy_config.py).

local MAX_UNITS = 100000
local ARMS, TRAFFICS = { "champion", "challenger" }, { "visitors", "simulated" }
local NAMES = { "requests", "failed_requests", "rejected_requests", "client_errors", "units", "failed_units", "rejected_units" }
local HELP = {
    requests = "Predict requests that were answered, or broken off by the server.",
    failed_requests = "Of them, by 5xx or a gRPC failure, of the server or of HAProxy where the server did not answer.",
    rejected_requests = "Of them, by 413, 429 or a 503 that says when to come again; gRPC: RESOURCE_EXHAUSTED.",
    client_errors = "Of them, by other 4xx; gRPC: other codes.",
    units = "Sessions, else API keys, once a step, and requests without either.",
    failed_units = "Units with a failed request, once a step.",
    rejected_units = "Units with a rejected request, once a step.",
}
-- gRPC's UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE, DATA_LOSS: what 5xx are over HTTP.
local GRPC_FAILED = { ["2"] = true, ["4"] = true, ["13"] = true, ["14"] = true, ["15"] = true }
local GRPC_REJECTED = "8"

local counters, young, old, n_young, step = {}, {}, {}, 0, nil
for _, arm in ipairs(ARMS) do
    counters[arm] = {}
    for _, traffic in ipairs(TRAFFICS) do
        counters[arm][traffic] = {}
        for _, name in ipairs(NAMES) do
            counters[arm][traffic][name] = 0
        end
    end
end

-- What of a session was counted in this step. Two tables take turns: the older half is forgotten where there are many.
local function seen_of(unit)
    local seen = young[unit] or old[unit]
    if young[unit] == nil then
        if n_young >= MAX_UNITS / 2 then
            old, young, n_young = young, {}, 0
        end
        seen = seen or {}
        young[unit], n_young = seen, n_young + 1
    end
    return seen
end

local function kinds_of(status, grpc_status, retry_after)
    local kinds = { requests = true, units = true }
    if grpc_status ~= "" and grpc_status ~= "0" then
        kinds.failed = GRPC_FAILED[grpc_status]
        kinds.rejected = grpc_status == GRPC_REJECTED
        kinds.client_errors = not kinds.failed and not kinds.rejected
    elseif status >= 500 then
        kinds.failed, kinds.rejected = true, status == 503 and retry_after ~= ""
    elseif status == 413 or status == 429 then
        kinds.rejected = true
    else
        kinds.client_errors = status >= 400
    end
    return kinds
end

local function count(text)
    -- arm|traffic|share|unit|status|gRPC's status|Retry-After; an empty unit is a request without session and key.
    local arm, traffic, share, unit, status, grpc_status, retry_after =
        text:match("^([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|(.*)$")
    local own = counters[arm] and counters[arm][traffic]
    if own == nil then
        return "0"
    end
    if share ~= step then
        step, young, old, n_young = share, {}, {}, 0
    end
    local kinds = kinds_of(tonumber(status) or 0, grpc_status, retry_after)
    local seen = unit == "" and {} or seen_of(arm .. traffic .. unit)
    own.requests = own.requests + 1
    if not seen.units then
        own.units, seen.units = own.units + 1, true
    end
    if kinds.client_errors then
        own.client_errors = own.client_errors + 1
    end
    for _, kind in ipairs({ "failed", "rejected" }) do
        if kinds[kind] then
            own[kind .. "_requests"] = own[kind .. "_requests"] + 1
            if not seen[kind] then
                own[kind .. "_units"], seen[kind] = own[kind .. "_units"] + 1, true
            end
        end
    end
    return "1"
end

local BROKEN_OFF = { requests = true, failed_requests = true, units = true, failed_units = true }

local function n_broken_off(arm)
    local n = 0
    for _, backend in ipairs({ arm, arm .. "_grpc" }) do
        n = n + (tonumber(core.backends[backend]:get_stats()["srv_abrt"]) or 0)
    end
    return n
end

local function exposed(applet)
    local broken_off = {}
    for _, arm in ipairs(ARMS) do
        broken_off[arm] = n_broken_off(arm)
    end
    local lines = {}
    for _, name in ipairs(NAMES) do
        local metric = "silencio_proxy_" .. name .. "_total"
        lines[#lines + 1] = "# HELP " .. metric .. " " .. HELP[name]
        lines[#lines + 1] = "# TYPE " .. metric .. " counter"
        for _, arm in ipairs(ARMS) do
            for _, traffic in ipairs(TRAFFICS) do
                local value = counters[arm][traffic][name]
                if traffic == "visitors" and BROKEN_OFF[name] then
                    value = value + broken_off[arm]
                end
                lines[#lines + 1] = string.format('%s{arm="%s",traffic="%s"} %d', metric, arm, traffic, value)
            end
        end
    end
    local text = table.concat(lines, "\n") .. "\n"
    applet:set_status(200)
    applet:add_header("content-length", tostring(#text))
    applet:add_header("content-type", "text/plain; version=0.0.4")
    applet:start_response()
    applet:send(text)
end

core.register_converters("silencio_count", count)
core.register_service("silencio_units", "http", exposed)
