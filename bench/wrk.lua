-- The load of the HTTP rows: what a request looks like, and the figures as one line of JSON.
--   wrk … -s bench/wrk.lua URL -- plain|close|browser
--   wrk … -s bench/wrk.lua URL -- users N      (a random one of /user/u0 … /user/uN-1 each time)

local function browser_fields()
    local headers = {
        ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        ["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        ["Accept-Language"] = "en-GB,en;q=0.7,de;q=0.3",
        ["Accept-Encoding"] = "gzip, deflate, br",
        ["Referer"] = "http://hub.example.org/user/alice/lab/tree/notebooks/chapter-3.ipynb",
        ["Sec-Fetch-Dest"] = "empty",
        ["Sec-Fetch-Mode"] = "cors",
        ["Sec-Fetch-Site"] = "same-origin",
        ["X-XSRFToken"] = "2|5f1c9d34|0c2d7be19cf4c93a1b6f1e77d1a2b3c4|1700000000",
    }
    local cookie = "_xsrf=2|5f1c9d34|0c2d7be19cf4c93a1b6f1e77d1a2b3c4|1700000000; " ..
        "jupyterhub-session-id=0123456789abcdef0123456789abcdef; jupyterhub-user-alice="
    for name, value in pairs(headers) do wrk.headers[name] = value end
    -- the session cookie fills the head up to 900 bytes
    wrk.headers["Cookie"] = cookie
    wrk.headers["Cookie"] = cookie .. string.rep("Q", 900 - #wrk.format())
end

local function user_requests(count)
    local requests = {}
    for i = 1, count do
        requests[i] = wrk.format("GET", string.format("/user/u%d/lab", i - 1))
    end
    function request()
        return requests[math.random(count)]
    end
end

function init(args)
    local mode = args[1] or "plain"
    if mode == "close" then wrk.headers["Connection"] = "close" end
    if mode == "browser" then browser_fields() end
    if mode == "users" then user_requests(tonumber(args[2])) end
end

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format('\n{"requests":%d,"seconds":%.6f,"bytes":%d,"p50_us":%.0f,' ..
        '"p99_us":%.0f,"p999_us":%.0f,"failed":%d}\n',
        summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50),
        latency:percentile(99), latency:percentile(99.9),
        errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
